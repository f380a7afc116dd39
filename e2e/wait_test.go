package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/freeport"
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

// freePort returns a port of 127.0.0.1 that nobody listened at a moment ago, and another one each time.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.Pick()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
