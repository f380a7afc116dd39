package forward

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/urlpath"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// redirect knows what is needed to turn the address of an API into a path of the route that a client used.
type redirect struct {
	asked    *http.Request // with the client's own request in its context
	sent     *url.URL      // what the API was asked for
	provider *tokenstore.Provider
	inner    string // the path that the guard saw, escaped, with the route's own prefix taken off
}

// rewriteRedirects points the addresses of h that lie at the API to the route, so that the client's next request gets the
// token too. Others stay: a client that follows them has no token to lose.
func rewriteRedirects(h http.Header, d redirect) {
	for _, name := range []string{"Location", "Content-Location"} {
		for i, address := range h[name] {
			if own, ok := d.own(address); ok {
				h[name][i] = own
			}
		}
	}
}

// own returns an address of the API as a path of this site. ok is false if it is none that the route leads to; what is returned with
// true is an absolute path, perhaps with a query and fragment, and never names a host.
func (d redirect) own(address string) (path string, ok bool) {
	reference, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	to := d.sent.ResolveReference(reference)
	if to.User != nil || to.Opaque != "" {
		return "", false
	}
	inner, ok := d.pathTo(to)
	if !ok {
		return "", false
	}
	prefix, ok := d.prefix()
	path = prefix + inner
	// Two slashes at its beginning would name a host.
	if !ok || !strings.HasPrefix(path, "/") || urlpath.CheckOneSpelling(path) != nil {
		return "", false
	}
	own := url.URL{RawQuery: to.RawQuery, ForceQuery: to.ForceQuery, Fragment: to.Fragment, RawFragment: to.RawFragment}
	return path + own.String(), true
}

// pathTo returns the path that the guard turns into to: with the host's name before it if it does not
// find the host otherwise.
func (d redirect) pathTo(to *url.URL) (path string, ok bool) {
	escaped := to.EscapedPath()
	h, ok := d.provider.HostAt(to.Scheme, to.Host, escaped)
	if !ok {
		return "", false
	}
	rest := strings.TrimPrefix(escaped, h.URL.EscapedPath())
	if rest == "" {
		rest = "/"
	}
	for _, path := range []string{rest, "/" + h.Name + rest} {
		if found, inner := d.provider.HostFor(path); found.URL == h.URL && inner == rest {
			return path, true
		}
	}
	return "", false
}

// prefix returns what the route took off the path that the client asked for. ok is false if it changed the path in another way.
func (d redirect) prefix() (prefix string, ok bool) {
	original, ok := d.asked.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok {
		return "", false
	}
	asked := original.URL.EscapedPath()
	if prefix, ok = strings.CutSuffix(asked, d.inner); ok {
		return prefix, true
	}
	// What is left of a prefix alone is a slash that was not there.
	return strings.TrimSuffix(asked, "/"), d.inner == "/"
}
