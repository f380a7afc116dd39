package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Addresses that the parts have when they listen in memory. They look like
// loopback, to which clients may speak without TLS.
const (
	memoryOAuth   = "127.0.0.2:80"
	memoryAPI     = "127.0.0.3:80"
	memoryContent = "127.0.0.4:80"
)

// running is what Start started.
type running struct {
	mu      sync.Mutex
	started bool
	servers []*http.Server
	urls    map[string]string          // by part
	memory  map[string]*memoryListener // by address
	serving sync.WaitGroup
	client  *http.Client
}

// Start listens for the three parts, on the addresses in [Options] or on
// 127.0.0.1 and free ports, and returns when all of them accept connections. It
// returns ErrStarted if it was called before, and the error of the listener
// that could not be opened; nothing listens then.
func (s *Server) Start() error {
	run := &s.running
	run.mu.Lock()
	defer run.mu.Unlock()
	if run.started {
		return ErrStarted
	}
	run.started = true
	run.urls = make(map[string]string)
	run.memory = make(map[string]*memoryListener)
	for _, p := range []struct {
		name, addr, memory string
		handler            http.Handler
	}{
		{PartOAuth, s.opts.OAuthAddr, memoryOAuth, s.oauth},
		{PartAPI, s.opts.APIAddr, memoryAPI, s.api},
		{PartContent, s.opts.ContentAddr, memoryContent, s.content},
	} {
		l, err := s.listen(p.addr, p.memory)
		if err != nil {
			_ = run.stop()
			return fmt.Errorf("stand-in: %s: %w", p.name, err)
		}
		run.serve(l, p.name, p.handler)
	}
	run.client = &http.Client{Transport: &http.Transport{DialContext: s.DialContext}}
	return nil
}

func (s *Server) listen(addr, memory string) (net.Listener, error) {
	if s.opts.InMemory {
		l := newMemoryListener(memory)
		s.running.memory[memory] = l
		return l, nil
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	return net.Listen("tcp", addr) //nolint:noctx // listening on an address of this machine does not wait
}

// serve serves a part on l. The caller holds run.mu.
func (run *running) serve(l net.Listener, name string, handler http.Handler) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	run.servers = append(run.servers, server)
	host := l.Addr().String()
	if _, memory := l.(*memoryListener); memory {
		host, _, _ = net.SplitHostPort(host)
	}
	run.urls[name] = "http://" + host
	run.serving.Go(func() { _ = server.Serve(l) })
}

// stop closes all listeners and connections. The caller holds run.mu.
func (run *running) stop() error {
	var errs []error
	for _, server := range run.servers {
		errs = append(errs, server.Close())
	}
	run.serving.Wait()
	if run.client != nil {
		run.client.CloseIdleConnections()
	}
	return errors.Join(errs...)
}

// Close ends all faults that are being played, closes listeners and
// connections, and waits until no request is being handled any more. Requests
// that still come are aborted, and the server cannot be started again.
func (s *Server) Close() error {
	s.close()
	s.running.mu.Lock()
	s.running.started = true
	err := s.running.stop()
	s.running.mu.Unlock()
	s.gate.close()
	return err
}

// OAuthURL returns the base URL of the authorization server once it is started,
// without a slash at its end.
func (s *Server) OAuthURL() string { return s.url(PartOAuth) }

// APIURL returns the base URL of the API host once it is started.
func (s *Server) APIURL() string { return s.url(PartAPI) }

// ContentURL returns the base URL of the content host once it is started.
func (s *Server) ContentURL() string { return s.url(PartContent) }

func (s *Server) url(part string) string {
	s.running.mu.Lock()
	defer s.running.mu.Unlock()
	return s.running.urls[part]
}

// Client returns a HTTP client that reaches the started server, in memory too,
// and every other host. It keeps no cookies and follows redirects; Close closes
// its idle connections.
func (s *Server) Client() *http.Client {
	s.running.mu.Lock()
	defer s.running.mu.Unlock()
	return s.running.client
}

// DialContext connects to the server if it listens in memory and addr is one of
// its own, and else like net.Dialer. It fits into http.Transport.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	s.running.mu.Lock()
	l, ours := s.running.memory[addr]
	s.running.mu.Unlock()
	if ours {
		return l.dial(ctx)
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}
