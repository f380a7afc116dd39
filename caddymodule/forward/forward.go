package forward

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// errForwardPath is wrapped if a request's path must not be forwarded, because our
// side and the API could disagree on what it means. It is answered with 400.
var errForwardPath = errors.New("path must not be forwarded")

// Variables of a request that is being forwarded.
const (
	forwardingVar = "token_store.forwarding"
	// upstreamVar is followed by the provider's name: Caddy keeps the health of an
	// upstream under the text of its dial address, placeholders unexpanded, and
	// the failures of one provider must not take down another.
	upstreamVar = "token_store.upstream."
)

// upstreamPlaceholder is the dial address of the upstream that a provider's
// forwarded requests go to.
func upstreamPlaceholder(provider string) string { return "{http.vars." + upstreamVar + provider + "}" }

// forwarding is what the guard decided about a request that is to be forwarded.
type forwarding struct {
	id       tokenstore.ID
	provider *tokenstore.Provider
	passing  *passing
	// pass lets the request go without a token if none can be had.
	pass bool
	// browser: a browser gets the answer.
	browser bool
	// bounded: the caller's key is for certain methods or paths only. method and path are those that it was
	// checked with, as they are to arrive at the API.
	bounded      bool
	method, path string
	// asked is the path as it came to the guard, escaped.
	asked string
	// counted is set once the request is in the metrics: the load balancer may
	// try it several times.
	counted bool
	// refused is the code of the problem, if the transport refused the request.
	refused string
	// host is where the request goes.
	host *tokenstore.Host
	// exchange is a Forwarder's.
	exchange exchange
}

// String is what a placeholder of the variable shows.
func (f *forwarding) String() string { return f.id.String() }

// startForward points r at f's host, which its path, f's asked, asks for, and leaves f in
// r's variables, where the transport finds it. r's path becomes rest, behind the base path of
// the API. The error wraps errForwardPath if r is refused; then r is as it was.
func startForward(r *http.Request, f *forwarding, rest string) error {
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		// What arrived counts too: a prefix that was stripped may hide how the rest
		// was reached.
		if err := checkTarget(r, &orig); err != nil {
			return err
		}
	}
	if err := checkPath(f.asked); err != nil {
		return err
	}
	if f.host == nil {
		return fmt.Errorf("%w: provider %s has no host for it", errForwardPath, f.provider.Name())
	}
	path, err := setEscapedPath(r.URL, f.host.URL.EscapedPath()+rest)
	if err != nil {
		return err
	}
	// An absolute request target names a server of its own choice.
	r.URL.Scheme, r.URL.Host, r.URL.User = "", "", nil
	f.method, f.path = r.Method, path
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		vars[forwardingVar], vars[upstreamVar+f.provider.Name()] = f, f.host.Address
	}
	return nil
}

// forwardingOf returns what startForward left in ctx, nil if there is nothing, as
// in an active health check.
func forwardingOf(ctx context.Context) *forwarding {
	f, _ := caddyhttp.GetVar(ctx, forwardingVar).(*forwarding)
	return f
}

// setEscapedPath makes escaped the path of u, byte for byte, and returns what u makes of that.
func setEscapedPath(u *url.URL, escaped string) (string, error) {
	if !strings.HasPrefix(escaped, "/") {
		escaped = "/" + escaped
	}
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return "", fmt.Errorf("%w: it has an invalid escape", errForwardPath)
	}
	u.Path, u.RawPath = path, ""
	if u.EscapedPath() == escaped {
		return escaped, nil
	}
	u.RawPath = escaped // net/url escapes more than it has to, such as "(" and "*"
	return u.EscapedPath(), nil
}
