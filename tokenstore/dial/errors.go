package dial

import (
	"fmt"
	"net/netip"
)

// RefusedError is returned for a connection that was not tried, because all addresses that the host's name stands for are
// refused. It is safe to log: the host is the one that the operator wrote down, and nothing else of a URL is in it.
type RefusedError struct {
	Host string     // as it was to be dialed, without the port
	Addr netip.Addr // one of those refused; the zero Addr if it could not be read
}

// Error names the host and what an operator can do about it.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("no connection to %s: its address %s is not a public one; "+
		"if the host is meant to be in a private network, write private in its block of the configuration, "+
		"or its IP address in the URL", e.Host, e.Addr)
}

// unreachableError is returned if a part of a host's addresses was refused, and the others could not be reached. It is
// no refusal: that passes only when somebody changes a name or the configuration, and this by itself.
type unreachableError struct{ host string }

func (e *unreachableError) Error() string {
	return "no connection to " + e.host + ": its public addresses cannot be reached, and the others are refused"
}
