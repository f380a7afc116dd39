package caddyproc

import (
	"fmt"
	"net"
	"strconv"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/freeport"
)

// Ports puts a free port of 127.0.0.1 wherever there is a 0, and returns an error that names the
// port if another one is taken. The ports differ from each other, and those that it found from all
// that it found before.
func Ports(ports ...*int) error {
	// The given ones first, and all at a time, so that a free one is none of them.
	for _, port := range ports {
		if *port == 0 {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(*port)) //nolint:noctx // listening on an address of this machine does not wait
		if err != nil {
			return fmt.Errorf("port %d cannot be used: %w", *port, err)
		}
		defer func() { _ = l.Close() }()
	}
	for _, port := range ports {
		if *port != 0 {
			continue
		}
		var err error
		if *port, err = freeport.Pick(); err != nil {
			return err
		}
	}
	return nil
}
