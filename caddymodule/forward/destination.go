package forward

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/query"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// errRefusedHost is wrapped if a request would go to a place that its provider
// does not list.
var errRefusedHost = errors.New("the token must not go there")

// hostRules are what of a *tokenstore.Provider says where a token may go.
type hostRules interface {
	Name() string
	Hosts() []tokenstore.Host
	HostAt(scheme, hostport, path string) (*tokenstore.Host, bool)
}

// destination returns the URL that r really goes to, and the host of its provider that this is. It trusts nothing that was decided
// before: r may come from a health check that follows a redirect, from a
// hand-written upstream, or have been rewritten since the guard saw it. The
// address that is dialed counts as much as the one in the URL.
func destination(r *http.Request, p hostRules) (url.URL, *tokenstore.Host, error) {
	address, err := address(r)
	if err != nil {
		return url.URL{}, nil, fmt.Errorf("%w: provider %s: %w", errRefusedHost, p.Name(), err)
	}
	host, ok := hostAt(p, r.URL.Scheme, address)
	if !ok {
		return url.URL{}, nil, fmt.Errorf("%w: provider %s has no host %s", errRefusedHost, p.Name(), address)
	}
	path := r.URL.EscapedPath()
	if r.URL.Opaque != "" { // it would be sent in the place of the path
		return url.URL{}, nil, fmt.Errorf("%w: the URL has no path", errRefusedHost)
	}
	if err := checkPath(path); err != nil {
		return url.URL{}, nil, fmt.Errorf("%w: %w", errRefusedHost, err)
	}
	at, ok := p.HostAt(host.URL.Scheme, host.URL.Host, path)
	if !ok {
		return url.URL{}, nil, fmt.Errorf("%w: provider %s has host %s, but not for that path", errRefusedHost, p.Name(), address)
	}
	to := *r.URL
	to.Scheme, to.Host, to.User, to.Fragment = at.URL.Scheme, at.URL.Host, nil, ""
	to.RawQuery = query.Without(r.URL.RawQuery, droppedParameters...)
	return to, at, nil
}

// address returns the host:port that r is sent to, which must be the one that is
// dialed.
func address(r *http.Request) (string, error) {
	dial, ok := reverseproxy.GetDialInfo(r.Context())
	if !ok {
		return hostPort(r.URL), nil
	}
	if !strings.HasPrefix(dial.Network, "tcp") {
		return "", fmt.Errorf("a %s socket is none of its hosts", dial.Network)
	}
	// Without a scheme, which is ours to set, Caddy puts the dialed address itself into
	// the URL.
	if r.URL.Host != dial.Address && (r.URL.Scheme == "" || hostPort(r.URL) != dial.Address) {
		return "", fmt.Errorf("the request is for %s and the connection to %s", r.URL.Host, dial.Address)
	}
	return dial.Address, nil
}

// hostAt returns the host of p at an address; any scheme will do if scheme is empty.
func hostAt(p hostRules, scheme, address string) (tokenstore.Host, bool) {
	for _, h := range p.Hosts() {
		if (scheme == "" || scheme == h.URL.Scheme) && (h.Address == address || strings.EqualFold(h.Address, address)) {
			return h, true
		}
	}
	return tokenstore.Host{}, false
}

// hostPort returns host:port of u, with the scheme's port if u has none.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return u.Host + ":" + defaultPort(u.Scheme)
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
