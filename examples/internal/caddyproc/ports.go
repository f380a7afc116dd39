package caddyproc

import (
	"fmt"
	"net"
	"strconv"
)

// Ports puts a free port of 127.0.0.1 wherever there is a 0, and returns an error that names the
// port if another one is taken. The ports differ from each other.
func Ports(ports ...*int) error {
	for _, port := range ports {
		// All listeners are open at a time, so that the ports differ.
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(*port)) //nolint:noctx // listening on an address of this machine does not wait
		if err != nil {
			return fmt.Errorf("port %d cannot be used: %w", *port, err)
		}
		defer func() { _ = l.Close() }()
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}
