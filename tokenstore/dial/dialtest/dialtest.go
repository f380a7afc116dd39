// Package dialtest is a DNS server for tests, which can change its mind: what a name stands for is asked anew each time.
package dialtest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Answer returns the addresses of name, which has no dot at its end and is in lower case, when it is asked for for the n-th time; n
// counts from 1, and a question for IPv4 addresses and one for IPv6 addresses apart. nil means that there is no such name.
type Answer func(name string, n int) []netip.Addr

// Always is the Answer that a name never changes.
func Always(addresses ...string) Answer {
	parsed := parse(addresses)
	return func(string, int) []netip.Addr { return parsed }
}

// Rebind answers with the addresses first to the first question, and with then to all others.
func Rebind(first string, then ...string) Answer {
	before, after := parse([]string{first}), parse(then)
	return func(_ string, n int) []netip.Addr {
		if n == 1 {
			return before
		}
		return after
	}
}

func parse(addresses []string) []netip.Addr {
	out := make([]netip.Addr, len(addresses))
	for i, a := range addresses {
		out[i] = netip.MustParseAddr(a)
	}
	return out
}

// Server is a DNS server on a loopback address.
type Server struct {
	conn   net.PacketConn
	answer Answer

	mu    sync.Mutex
	asked map[dnsmessage.Question]int // guarded by mu
}

// Start runs a server until the test ends.
func Start(t testing.TB, answer Answer) *Server {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{conn: conn, answer: answer, asked: make(map[dnsmessage.Question]int)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return s
}

// Addr returns where the server listens, by UDP.
func (s *Server) Addr() string { return s.conn.LocalAddr().String() }

// Resolver returns one that asks the server.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.Addr())
	}}
}

// UseAsDefault makes the whole process ask the server, until the test ends; such tests do not run beside others.
func (s *Server) UseAsDefault(t testing.TB) {
	t.Helper()
	t.Setenv("DIALTEST", s.Addr()) // keeps the test from being parallel
	before := net.DefaultResolver
	net.DefaultResolver = s.Resolver()
	t.Cleanup(func() { net.DefaultResolver = before })
}

func (s *Server) serve() {
	packet := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if reply, err := s.reply(packet[:n]); err == nil {
			_, _ = s.conn.WriteTo(reply, from) // else the resolver asks again
		}
	}
}

func (s *Server) reply(packet []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(packet); err != nil {
		return nil, err
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		s.mu.Lock()
		s.asked[q]++
		n := s.asked[q]
		s.mu.Unlock()
		addresses := s.answer(strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")), n)
		if addresses == nil {
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, a := range addresses {
			if r, ok := resource(q, a); ok {
				m.Answers = append(m.Answers, r)
			}
		}
	}
	return m.Pack()
}

// resource returns a as an answer to q, if it is one.
func resource(q dnsmessage.Question, a netip.Addr) (dnsmessage.Resource, bool) {
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}}
	switch {
	case a.Is4() && q.Type == dnsmessage.TypeA:
		r.Body = &dnsmessage.AResource{A: a.As4()}
	case a.Is6() && q.Type == dnsmessage.TypeAAAA:
		r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
	default:
		return r, false
	}
	return r, true
}
