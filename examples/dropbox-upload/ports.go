package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
)

// checkPorts returns an error that names the port and the flag if a port is taken.
func (s settings) checkPorts(ctx context.Context) error {
	for _, use := range []struct {
		port int
		flag string
	}{{s.port, "-port"}, {s.pagePort, "-page-port"}} {
		port := use.port
		if err := caddyproc.Ports(&port); err != nil {
			return fmt.Errorf("%w; end what uses it, or choose another with %s", err, use.flag)
		}
		// A development server may well listen there alone, and browsers try it first.
		if answersAt(ctx, net.JoinHostPort("::1", strconv.Itoa(port))) {
			return fmt.Errorf("port %d cannot be used: something else is at http://localhost:%[1]d already, by IPv6; "+
				"end it, or choose another with %s", port, use.flag)
		}
	}
	return nil
}

// standinPorts returns the ports that the stand-in is to have: the wanted ones, as far as they are free. If they are the same each
// time, a page that calls the stand-in itself, and has its addresses built in, need not be built anew.
func (s settings) standinPorts(wanted [3]int) ([3]int, error) {
	ports := wanted
	for i := range ports {
		if s.mayUse(ports[i]) {
			continue
		}
		ports[i] = 0 // any
	}
	err := s.choose(&ports[0], &ports[1], &ports[2])
	return ports, err
}

// mayUse reports whether a port is free, and none that the page and the routes will have.
func (s settings) mayUse(port int) bool {
	return port != s.port && port != s.pagePort && caddyproc.Ports(&port) == nil
}

// choose puts a free port wherever there is a 0: one that nothing else of this command has, which may not listen yet.
func (s settings) choose(ports ...*int) error {
	return caddyproc.Ports(append([]*int{&s.port, &s.pagePort}, ports...)...)
}

func answersAt(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
