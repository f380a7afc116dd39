package corpus

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// sentinel is the path of the request by which a client finds out that nothing is left over
// of what it sent before.
const sentinel = "/corpus-sentinel"

// api is an API that keeps every byte it is sent.
type api struct {
	tb       testing.TB
	listener net.Listener

	mu      sync.Mutex
	changed *sync.Cond // when a connection is accepted or has ended
	conns   []*apiConn // of this case
	answers []answer
	served  int
}

// apiConn is a connection to the API. Its fields are guarded by the api's mu.
type apiConn struct {
	raw   bytes.Buffer
	from  string
	older bool // than this case
	ended bool
}

func newAPI(tb testing.TB) *api {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	a := &api{tb: tb, listener: l}
	a.changed = sync.NewCond(&a.mu)
	var wg sync.WaitGroup
	tb.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := &apiConn{from: conn.RemoteAddr().String()}
			a.mu.Lock()
			a.conns = append(a.conns, c)
			a.changed.Broadcast()
			a.mu.Unlock()
			wg.Go(func() { a.serve(conn, c) })
		}
	})
	return a
}

func (a *api) address() string { return a.listener.Addr().String() }

// serve answers what stands on a connection, and reads it to its end.
func (a *api) serve(conn net.Conn, c *apiConn) {
	defer func() {
		_ = conn.Close()
		a.mu.Lock()
		c.ended = true
		a.changed.Broadcast()
		a.mu.Unlock()
	}()
	in := bufio.NewReader(io.TeeReader(conn, lockedWriter{a, &c.raw}))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			break
		}
		// Trailers and what is wrong with the framing are for readMessages to find.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			break
		}
		answer := a.answer(r)
		if _, err := io.WriteString(conn, answer.text); err != nil || answer.close {
			return
		}
	}
	_, _ = io.Copy(io.Discard, in)
}

// lockedWriter writes to a buffer under the api's lock.
type lockedWriter struct {
	a *api
	b *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	return w.b.Write(p)
}

var fine = answer{text: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"}

func (a *api) answer(r *http.Request) answer {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	defer a.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, sentinel) {
		return answer{text: "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsentinel"}
	}
	next := fine
	if a.served < len(a.answers) {
		next = a.answers[a.served]
	}
	a.served++
	next.text = strings.ReplaceAll(next.text, "{token}", token)
	return next
}

// begin forgets what was, and takes the answers of a case. Connections that stay open belong
// to the next case too.
func (a *api) begin(answers []answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers, a.served = answers, 0
	var open []*apiConn
	for _, c := range a.conns {
		if !c.ended {
			c.raw.Reset()
			c.older = true
			open = append(open, c)
		}
	}
	a.conns = open
}

// settle waits until all that was sent to the API has been read. That takes connections
// that are not used again.
func (a *api) settle() {
	a.tb.Helper()
	// Connections are accepted one after the other: once this one is, all earlier ones are.
	marker, err := net.Dial("tcp", a.address())
	if err != nil {
		a.tb.Fatal(err)
	}
	own := marker.LocalAddr().String()
	a.wait("the API does not accept connections", func() bool {
		for _, c := range a.conns {
			if c.from == own {
				return true
			}
		}
		return false
	})
	_ = marker.Close()
	a.wait("a connection to the API stays open", func() bool {
		for _, c := range a.conns {
			if !c.ended && !c.older {
				return false
			}
		}
		return true
	})
}

// wait waits until it is so, for a while.
func (a *api) wait(otherwise string, until func() bool) {
	a.tb.Helper()
	late := false
	timer := time.AfterFunc(time.Minute, func() {
		a.mu.Lock()
		late = true
		a.changed.Broadcast()
		a.mu.Unlock()
	})
	defer timer.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	for !until() {
		if late {
			a.tb.Error(otherwise)
			return
		}
		a.changed.Wait()
	}
}

// received returns the bytes of each connection that had any.
func (a *api) received() [][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all [][]byte
	for _, c := range a.conns {
		if c.raw.Len() > 0 {
			all = append(all, bytes.Clone(c.raw.Bytes()))
		}
	}
	return all
}
