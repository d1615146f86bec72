package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Longest program that steady takes on: rates and times beyond it are a mistake.
const (
	mostRate    = 100000
	mostSeconds = 600
)

// step is a time of one load: calls a second (open model), or connections that call again at once (closed model).
type step struct {
	rate   int
	closed int
	length time.Duration
}

// mark is printed when a step begins, and once more at the end, so that others can take their readings at the same moments.
type mark struct {
	Step    int   `json:"step"`
	StartMs int64 `json:"startMs"`
	// Of the step before: the longest time from the moment a call was due until it was on its way, and connections open.
	BehindMs    int64 `json:"behindMs"`
	Connections int   `json:"connections"`
	// Of this process since its start.
	CPUSeconds float64 `json:"cpuSeconds"`
}

// load is what the connections share.
type load struct {
	address, path, prefix string
	timeout               time.Duration
	log                   *callLog
	users                 atomic.Int64
	connections           atomic.Int64
	behindMs              atomic.Int64
}

func runSteady(args []string) {
	flags := flag.NewFlagSet("steady", flag.ExitOnError)
	address := flags.String("address", "127.0.0.1:8080", "host:port")
	path := flags.String("path", "/api/v1/coupons/call/1", "what to POST to")
	prefix := flags.String("prefix", "u", "of the user ids")
	logFile := flags.String("log", "", "client log, as loadtest/client-log.ts reads it")
	spec := flags.String("steps", "", "like 500x10,1000x10: calls a second x seconds; c64x10: 64 connections that call again at once")
	most := flags.Int("connections", 6000, "most connections")
	timeout := flags.Duration("timeout", 10*time.Second, "longest wait for an answer")
	flags.Parse(args)
	steps, err := parseSteps(*spec)
	if err != nil {
		fail(err)
	}
	log, err := openCallLog(*logFile)
	if err != nil {
		fail(err)
	}
	shared := &load{address: *address, path: *path, prefix: *prefix, timeout: *timeout, log: log}
	shared.run(steps, *most)
	if err := log.close(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func parseSteps(spec string) ([]step, error) {
	var steps []step
	total := 0
	for _, part := range strings.Split(spec, ",") {
		amount, seconds, found := strings.Cut(part, "x")
		closed := strings.HasPrefix(amount, "c")
		n, err := strconv.Atoi(strings.TrimPrefix(amount, "c"))
		length, err2 := strconv.Atoi(seconds)
		if !found || err != nil || err2 != nil || n < 1 || length < 1 || n > mostRate {
			return nil, fmt.Errorf("not a step: %q", part)
		}
		next := step{rate: n, length: time.Duration(length) * time.Second}
		if closed {
			next = step{closed: n, length: next.length}
		}
		steps = append(steps, next)
		total += length
	}
	if total > mostSeconds {
		return nil, errors.New("more than ten minutes")
	}
	return steps, nil
}

func (l *load) run(steps []step, most int) {
	// Due times of calls. Unbuffered: a call goes to a connection that is free just now, or a new one is opened.
	due := make(chan time.Time)
	// Where calls wait when all connections are busy and no more may be opened. Their latency goes on from the due time.
	late := make(chan time.Time, mostRate)
	var open sync.WaitGroup
	begin := time.Now()
	for i, now := range steps {
		l.print(i, begin)
		if now.closed > 0 {
			l.runClosed(now, begin)
		} else {
			l.runOpen(now, begin, due, late, most, &open)
		}
		begin = begin.Add(now.length)
	}
	l.print(len(steps), begin)
	close(due)
	close(late)
	open.Wait()
}

func (l *load) print(number int, begin time.Time) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		fail(err)
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	json.NewEncoder(os.Stdout).Encode(mark{number, begin.UnixMilli(), l.behindMs.Swap(0), int(l.connections.Load()), cpu.Seconds()})
}

// runOpen hands out the calls that are due, at least once a millisecond, and falls behind rather than leave one out.
func (l *load) runOpen(now step, begin time.Time, due, late chan time.Time, most int, open *sync.WaitGroup) {
	calls := now.rate * int(now.length/time.Second)
	for sent := 0; sent < calls; {
		elapsed := time.Since(begin)
		for sent < calls && time.Duration(sent)*time.Second/time.Duration(now.rate) <= elapsed {
			at := begin.Add(time.Duration(sent) * time.Second / time.Duration(now.rate))
			select {
			case due <- at:
			default:
				if int(l.connections.Load()) < most {
					l.connections.Add(1)
					open.Add(1)
					go l.serve(at, due, late, open)
				} else {
					late <- at
				}
			}
			sent++
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Until(begin.Add(now.length)))
}

// serve makes one call after the other on its connection; overdue ones first.
func (l *load) serve(first time.Time, due, late chan time.Time, open *sync.WaitGroup) {
	defer open.Done()
	caller := newCaller(l)
	defer caller.close()
	at, more := first, true
	for more {
		caller.call(at)
		select {
		case at, more = <-late:
			if more {
				continue
			}
		default:
		}
		at, more = <-due
	}
}

func (l *load) runClosed(now step, begin time.Time) {
	end := begin.Add(now.length)
	var callers sync.WaitGroup
	for i := 0; i < now.closed; i++ {
		callers.Add(1)
		go func() {
			defer callers.Done()
			caller := newCaller(l)
			defer caller.close()
			for time.Now().Before(end) {
				caller.call(time.Now())
			}
		}()
	}
	callers.Wait()
}
