package main

import (
	"bufio"
	"os"
	"sync"
)

// callLog writes lines in blocks; each call has two: what was meant before it is sent, and what came of it.
type callLog struct {
	mutex sync.Mutex
	file  *os.File
	out   *bufio.Writer
}

func openCallLog(name string) (*callLog, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &callLog{file: file, out: bufio.NewWriterSize(file, 1<<20)}, nil
}

func (c *callLog) write(line []byte) {
	c.mutex.Lock()
	c.out.Write(line)
	c.mutex.Unlock()
}

func (c *callLog) close() error {
	if err := c.out.Flush(); err != nil {
		return err
	}
	return c.file.Close()
}
