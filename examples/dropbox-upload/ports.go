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

func answersAt(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
