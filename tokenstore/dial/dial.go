package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// DialContext connects with d to a host:port that is reached by TCP, at an address that p allows. It resolves and tries in
// the order of d, and passes over what is refused. d's own Control and ControlContext are not called.
//
// An error has a [*RefusedError] in it only if no address was tried.
func (p Policy) DialContext(ctx context.Context, d *net.Dialer, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	var tried atomic.Bool // attempts at IPv6 and IPv4 run side by side
	checked := *d
	checked.Control = nil
	checked.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		// What has no IP address, such as a socket in the file system, is refused too.
		to, err := netip.ParseAddrPort(address)
		if err != nil || !p.allows(host, port, to.Addr()) {
			return &RefusedError{Host: host, Addr: to.Addr()}
		}
		tried.Store(true)
		return nil
	}
	conn, err := checked.DialContext(ctx, network, hostport)
	if err == nil {
		return conn, nil
	}
	if _, refused := errors.AsType[*RefusedError](err); refused && tried.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &unreachableError{host: host}}
	}
	return nil, err
}
