package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// eventually waits for what another process does.
func eventually(t *testing.T, within time.Duration, what string, happened func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s: %s", within, what)
		case <-tick.C:
		}
	}
}

// atOnce runs so many subtests at the same time. Not with t.Parallel, which lets as many run as there are processors.
func atOnce(t *testing.T, n int, work func(t *testing.T)) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { t.Run(fmt.Sprint(i), work) })
	}
	all.Wait()
}

// freePort returns a port of 127.0.0.1 that nobody listened at a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	// Below the ports that systems give to outgoing connections: one of those could take it before it is used.
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = ln.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
