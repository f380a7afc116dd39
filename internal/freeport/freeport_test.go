package freeport

import (
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

func TestPortsDifferWhoeverAsksForThem(t *testing.T) {
	const askers, each = 8, 50
	var mu sync.Mutex
	seen := make(map[int]bool)
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			for range each {
				port, err := Pick()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[port] || port < first || port >= first+number {
					t.Errorf("port %d, of which it is true that it was there before: %t", port, seen[port])
				}
				seen[port] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != askers*each {
		t.Errorf("%d ports", len(seen))
	}
	t.Logf("%d ports", len(seen))
}

func TestAPortThatIsTakenIsLeftOut(t *testing.T) {
	port, err := Pick()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	turn.mu.Lock()
	turn.next = port - first
	turn.mu.Unlock()
	if again, err := Pick(); err != nil || again == port {
		t.Errorf("port %d, which is taken, error %v", again, err)
	}
}
