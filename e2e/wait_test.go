package e2e

import (
	"net"
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

// freePort returns a port of 127.0.0.1 that nobody listened at a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
