package dial

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Policy says which addresses may be dialed that are not [Public]. The zero Policy allows none. It is immutable and safe for
// concurrent use.
type Policy struct {
	private  bool
	declared []string // host:port, host being localhost or the text of a netip.Addr
}

// NewPolicy returns a policy for the hosts of these URLs. A host that is written as localhost may be on any loopback
// address, and one that is an IP address at just that, either at the URL's port only. If private is true, hosts may also
// be in private networks (RFC 1918, RFC 6598, RFC 4193) and on the machine itself, but not at link-local
// addresses nor where clouds keep their machines' metadata. A URL that cannot be parsed adds nothing.
func NewPolicy(private bool, urls ...string) Policy {
	p := Policy{private: private}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		port := u.Port()
		switch {
		case port != "":
		case u.Scheme == "http":
			port = "80"
		default:
			port = "443"
		}
		if host, literal := normal(u.Hostname()); literal.IsValid() || host == localhost {
			p.declared = append(p.declared, net.JoinHostPort(host, port))
		}
	}
	return p
}

const localhost = "localhost"

// normal returns the one way in which a policy writes host, and the address if it is one.
func normal(host string) (string, netip.Addr) {
	literal, err := netip.ParseAddr(host)
	if err != nil {
		return strings.ToLower(host), netip.Addr{}
	}
	literal = literal.Unmap()
	return literal.String(), literal
}

// allows reports whether addr may be dialed for host:port.
func (p Policy) allows(host, port string, addr netip.Addr) bool {
	addr = addr.Unmap()
	if Public(addr) || p.private && addr.Zone() == "" && private(addr) {
		return true
	}
	host, literal := normal(host)
	if !slices.Contains(p.declared, net.JoinHostPort(host, port)) {
		return false
	}
	return addr == literal || host == localhost && addr.IsLoopback()
}
