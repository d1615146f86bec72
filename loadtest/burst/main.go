// Load generators that no tool found replaces, cheap enough for the machine of the servers.
//
// burst (without a command) opens -n fresh connections, sends one issue call on each, and only then reads the answers. It
// prints one JSON object. wrk and k6 read each answer while others are still connecting.
//
// burst steady (steady.go) sends calls at fixed rates, whatever the answers are, and logs each for the audit.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sort"
	"sync"
	"time"
)

type result struct {
	Codes map[string]int `json:"codes"`
	// From the first connect to the last request sent, and to the last answer read.
	SentMs       float64 `json:"sentMs"`
	LastAnswerMs float64 `json:"lastAnswerMs"`
	P50Ms        float64 `json:"p50Ms"`
	P95Ms        float64 `json:"p95Ms"`
}

// At most so many connects wait for the kernel at once: each takes a thread.
const connecting = 256

func main() {
	if len(os.Args) > 1 && os.Args[1] == "steady" {
		runSteady(os.Args[2:])
		return
	}
	address := flag.String("address", "127.0.0.1:8080", "host:port")
	path := flag.String("path", "/api/v1/coupons/call/1", "what to POST to")
	n := flag.Int("n", 10000, "connections")
	firstUser := flag.Int("first-user", 1, "X-USER-ID of the first; consecutive")
	tag := flag.String("tag", "", "prefix of X-Request-ID")
	timeout := flag.Duration("timeout", 60*time.Second, "longest wait for an answer")
	flag.Parse()

	conns := make([]net.Conn, *n)
	codes := make([]string, *n)
	latencies := make([]float64, *n)
	start := time.Now()
	each(*n, connecting, func(i int) {
		conn, err := net.DialTimeout("tcp", *address, *timeout)
		if err != nil {
			codes[i] = "connect failed"
			return
		}
		conns[i] = conn
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: bench\r\nX-USER-ID: %d\r\nX-Request-ID: %s%016d\r\nContent-Length: 0\r\n\r\n",
			*path, *firstUser+i, *tag, i)
		if err != nil {
			codes[i] = "send failed"
		}
	})
	sent := time.Since(start)
	deadline := time.Now().Add(*timeout)
	each(*n, *n, func(i int) {
		if codes[i] != "" {
			return
		}
		conns[i].SetReadDeadline(deadline)
		response, err := http.ReadResponse(bufio.NewReaderSize(conns[i], 1024), nil)
		if err != nil {
			codes[i] = "no answer"
			return
		}
		codes[i] = fmt.Sprint(response.StatusCode)
		latencies[i] = time.Since(start).Seconds() * 1000
	})
	last := time.Since(start)
	report(codes, latencies, sent, last)
}

// each calls work(0…n-1), at most `parallel` at a time.
func each(n, parallel int, work func(int)) {
	var wait sync.WaitGroup
	next := make(chan int, n)
	for i := 0; i < n; i++ {
		next <- i
	}
	close(next)
	for p := 0; p < parallel; p++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range next {
				work(i)
			}
		}()
	}
	wait.Wait()
}

func report(codes []string, latencies []float64, sent, last time.Duration) {
	counts := map[string]int{}
	for _, code := range codes {
		counts[code]++
	}
	sort.Float64s(latencies)
	at := func(share float64) float64 { return latencies[int(share*float64(len(latencies)-1))] }
	json.NewEncoder(os.Stdout).Encode(result{
		Codes:        counts,
		SentMs:       sent.Seconds() * 1000,
		LastAnswerMs: last.Seconds() * 1000,
		P50Ms:        at(0.5),
		P95Ms:        at(0.95),
	})
}
