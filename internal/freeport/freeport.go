// Package freeport finds ports for servers that have to be told one, as those of a Caddyfile. Who listens by itself takes
// port 0 and keeps the listener.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports are below those that systems give to outgoing connections and to listeners at port 0: one of those could take
// a port before it is used.
const (
	first  = 10_000
	number = 20_000
)

// turn is what keeps the ports of a process apart from each other.
var turn = struct {
	mu   sync.Mutex
	next int // guarded by mu
}{next: rand.IntN(number)} //nolint:gosec // a port is no secret

// Pick returns a port of 127.0.0.1 that nobody listens at. It returns none twice before it has been through all 20,000,
// so that the ports of a process differ although they are not in use yet. It returns an error if no port can be listened
// at. It is safe for concurrent use.
func Pick() (int, error) {
	turn.mu.Lock()
	defer turn.mu.Unlock()
	var last error
	for range number {
		port := first + turn.next
		turn.next = (turn.next + 1) % number
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // listening on an address of this machine does not wait
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("no port from %d to %d is free: %w", first, first+number-1, last)
}
