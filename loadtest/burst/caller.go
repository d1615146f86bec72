package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

// k6's error codes, which the client log uses: see loadtest/client-log.ts.
const (
	timedOut = 1050
	broken   = 1211
)

var errMalformed = errors.New("not an HTTP answer")

// caller makes calls on one kept connection, without net/http: its cost is a fraction, and the servers need the rest.
type caller struct {
	load    *load
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	line    []byte
	body    []byte
}

type answer struct {
	status int
	rank   string
	code   string
	ends   bool
}

func newCaller(l *load) *caller { return &caller{load: l} }

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// call makes one user's only try, which was due at `at`, and logs it.
func (c *caller) call(at time.Time) {
	user := c.load.prefix + strconv.FormatInt(c.load.users.Add(1), 10)
	sentMs := strconv.FormatInt(at.UnixMilli(), 10)
	c.line = append(c.line[:0], "> "+user+" - "+sentMs+"\n"...)
	c.load.log.write(c.line)
	behind := time.Since(at).Milliseconds()
	for was := c.load.behindMs.Load(); behind > was && !c.load.behindMs.CompareAndSwap(was, behind); {
		was = c.load.behindMs.Load()
	}
	got, err := c.exchange(user)
	errorCode := 0
	if err != nil {
		c.close()
		errorCode = broken
		var network net.Error
		if errors.As(err, &network) && network.Timeout() {
			errorCode = timedOut
		}
		got = answer{rank: "-", code: "-"}
	}
	c.line = append(c.line[:0], "< "+user+" - "+sentMs+" "...)
	c.line = strconv.AppendInt(c.line, int64(got.status), 10)
	c.line = append(c.line, " "+got.rank+" "...)
	c.line = strconv.AppendInt(c.line, time.Since(at).Milliseconds(), 10)
	c.line = append(c.line, ' ')
	c.line = strconv.AppendInt(c.line, int64(errorCode), 10)
	c.line = append(c.line, " 0 "+got.code+"\n"...)
	c.load.log.write(c.line)
	if got.ends {
		c.close()
	}
}

func (c *caller) exchange(user string) (answer, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.load.address, c.load.timeout)
		if err != nil {
			return answer{}, err
		}
		c.conn = conn
		c.reader = bufio.NewReaderSize(conn, 2048)
	}
	c.conn.SetDeadline(time.Now().Add(c.load.timeout))
	c.request = append(c.request[:0], "POST "+c.load.path+" HTTP/1.1\r\nHost: bench\r\nX-USER-ID: "+user+"\r\nContent-Length: 0\r\n\r\n"...)
	if _, err := c.conn.Write(c.request); err != nil {
		return answer{}, err
	}
	return c.readAnswer()
}

func (c *caller) readAnswer() (answer, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return answer{}, err
	}
	if len(line) < 12 {
		return answer{}, errMalformed
	}
	got := answer{}
	if got.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return answer{}, errMalformed
	}
	length := -1
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return answer{}, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return answer{}, errMalformed
			}
		case bytes.EqualFold(name, []byte("connection")):
			got.ends = got.ends || bytes.EqualFold(value, []byte("close"))
		}
	}
	if length < 0 || length > 1<<16 {
		return answer{}, errMalformed
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	if _, err = io.ReadFull(c.reader, c.body[:length]); err != nil {
		return answer{}, err
	}
	got.rank = member(c.body[:length], `"rank":`, ",}")
	got.code = member(c.body[:length], `"code":"`, `"`)
	return got, nil
}

// member finds the value after `name`, up to one of `ends`; `-` when it is not there.
func member(body []byte, name, ends string) string {
	_, rest, found := bytes.Cut(body, []byte(name))
	if !found {
		return "-"
	}
	if end := bytes.IndexAny(rest, ends); end > 0 {
		return string(rest[:end])
	}
	return "-"
}
