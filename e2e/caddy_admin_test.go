package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reload replaces the configuration, also by the same one.
func (c *caddyServer) reload(caddyfile string) {
	c.t.Helper()
	if err := c.tryReload(caddyfile); err != nil {
		c.t.Fatal(err)
	}
}

// tryReload loads a configuration.
func (c *caddyServer) tryReload(caddyfile string) error {
	header := http.Header{"Content-Type": {"text/caddyfile"}, "Cache-Control": {"must-revalidate"}}
	status, body, err := c.sendAgain(http.MethodPost, "/load", header, []byte(caddyfile))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	return nil
}

// admin calls the admin API, and fails the test unless it answers with the status.
func (c *caddyServer) admin(method, path string, body []byte, want int) []byte {
	c.t.Helper()
	status, answer, err := c.tryAdmin(method, path, body)
	if err != nil || status != want {
		c.t.Fatalf("%s %s: status %d, not %d, %v: %s", method, path, status, want, err, answer)
	}
	return answer
}

// tryAdmin calls the admin API; what only reads is sent again if Caddy hands the listener over.
func (c *caddyServer) tryAdmin(method, path string, body []byte) (int, []byte, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if method == http.MethodGet {
		return c.sendAgain(method, path, header, body)
	}
	return c.send(method, path, header, body)
}

// sendAgain is send for what does the same twice. Caddy's admin API hands its listener over at each load, as its sites
// do: a request in that moment gets no answer, and is sent again for some seconds.
func (c *caddyServer) sendAgain(method, path string, header http.Header, body []byte) (status int, answer []byte, err error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		status, answer, err = c.send(method, path, header, body)
		if !brokenOff(err) || time.Since(began) > 5*time.Second {
			return status, answer, err
		}
	}
}

// brokenOff tells whether somebody accepted the connection and closed it. Whoever is not there at all refuses it.
func brokenOff(err error) bool {
	for _, how := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, how) {
			return true
		}
	}
	// net/http has no name for a connection that was closed before the request was written to it, even if it is a new one.
	return err != nil && strings.Contains(err.Error(), "server closed idle connection")
}

func (c *caddyServer) send(method, path string, header http.Header, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, "http://127.0.0.1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	resp, err := c.socks.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// What reads is sent again while nobody answers, and what changes something is not.
func TestOnlyWhatReadsIsSentAgain(t *testing.T) {
	const broken = 3 // connections that are closed at once
	for method, want := range map[string]struct{ connections, status int }{
		http.MethodGet: {broken + 1, http.StatusOK}, http.MethodPost: {1, 0}, http.MethodDelete: {1, 0},
	} {
		t.Run(method, func(t *testing.T) {
			c := newCaddy(t)
			l, err := net.Listen("unix", c.socket())
			if err != nil {
				t.Fatal(err)
			}
			handingOver := &breaker{Listener: l, broken: broken}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })}
			served := make(chan error, 1)
			go func() { served <- server.Serve(handingOver) }()
			status, answer, err := c.tryAdmin(method, "/token_store/ready", nil)
			if status != want.status || (err == nil) != (string(answer) == "fine") {
				t.Errorf("status %d, %q, %v", status, answer, err)
			}
			_ = server.Close()
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
			if handingOver.accepted != want.connections {
				t.Errorf("%d connections, want %d", handingOver.accepted, want.connections)
			}
		})
	}
}

// breaker closes its first connections.
type breaker struct {
	net.Listener
	broken, accepted int
}

func (b *breaker) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return conn, err
		}
		if b.accepted++; b.accepted > b.broken {
			return conn, nil
		}
		_ = conn.Close()
	}
}
