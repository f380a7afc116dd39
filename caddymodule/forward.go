package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

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
	host     tokenstore.Host
	// pass lets the request go without a token if none can be had.
	pass bool
}

// startForward points r at the host of p that its path asks for, and leaves in
// r's variables what the transport needs to know. r's path becomes the one of
// the API. The error wraps errForwardPath if the path is refused; then r is as it was.
func startForward(r *http.Request, p *tokenstore.Provider, id tokenstore.ID, pass bool) error {
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		// What arrived counts too: a prefix that was stripped may hide how the rest
		// was reached, and a raw "#" is only seen here.
		if err := checkRawTarget(orig.RequestURI); err != nil {
			return err
		}
	}
	escaped := r.URL.EscapedPath()
	if err := checkPath(escaped); err != nil {
		return err
	}
	host, rest := p.HostFor(escaped)
	if host.URL == nil {
		return fmt.Errorf("%w: provider %s has no host for it", errForwardPath, p.Name())
	}
	if err := setEscapedPath(r.URL, host.URL.EscapedPath()+rest); err != nil {
		return err
	}
	ctx := r.Context()
	caddyhttp.SetVar(ctx, forwardingVar, &forwarding{id: id, provider: p, host: host, pass: pass})
	caddyhttp.SetVar(ctx, upstreamVar+p.Name(), dialAddress(host.URL))
	return nil
}

// forwardingOf returns what startForward left in ctx, nil if there is nothing, as
// in an active health check.
func forwardingOf(ctx context.Context) *forwarding {
	f, _ := caddyhttp.GetVar(ctx, forwardingVar).(*forwarding)
	return f
}

// dialAddress returns host:port of u, with the scheme's port if u has none.
func dialAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// setEscapedPath makes escaped the path of u, byte for byte.
func setEscapedPath(u *url.URL, escaped string) error {
	if !strings.HasPrefix(escaped, "/") {
		escaped = "/" + escaped
	}
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return fmt.Errorf("%w: it has an invalid escape", errForwardPath)
	}
	u.Path, u.RawPath = path, ""
	if path != escaped {
		u.RawPath = escaped
	}
	return nil
}

// checkRawTarget refuses a request target as it was on the wire. Its query is
// only looked at for what no query may hold.
func checkRawTarget(target string) error {
	if strings.Contains(target, "#") {
		return fmt.Errorf("%w: it has a raw #", errForwardPath)
	}
	path, _, _ := strings.Cut(target, "?")
	return checkPath(path)
}

// maxEscapes is how many layers of escaping a path is looked through.
const maxEscapes = 4

// checkPath refuses an escaped path in which, at any layer of escaping, there is
// something that servers read in different ways: dot segments, also with
// parameters ("..;"), escaped slashes, backslashes, control bytes, bytes that
// are not UTF-8.
func checkPath(escaped string) error {
	if problem := ambiguous(escaped); problem != "" {
		return fmt.Errorf("%w: it has %s", errForwardPath, problem)
	}
	slashes := strings.Count(escaped, "/")
	for layer, path := 0, escaped; strings.Contains(path, "%"); layer++ {
		decoded, err := url.PathUnescape(path)
		switch {
		case err != nil && layer == 0:
			return fmt.Errorf("%w: it has an invalid escape", errForwardPath)
		case err != nil:
			return nil // a percent sign that was escaped, and nothing behind it
		case layer == maxEscapes:
			return fmt.Errorf("%w: it is escaped over and over", errForwardPath)
		}
		problem := ambiguous(decoded)
		if strings.Count(decoded, "/") != slashes {
			problem = "an escaped slash"
		}
		if problem != "" {
			return fmt.Errorf("%w: it has %s", errForwardPath, problem)
		}
		path = decoded
	}
	return nil
}

// ambiguous names what is ambiguous in path, "" if nothing is.
func ambiguous(path string) string {
	for i := range len(path) {
		switch c := path[i]; {
		case c < 0x20 || c == 0x7f:
			return "a control byte"
		case c == '\\':
			return "a backslash"
		}
	}
	if !utf8.ValidString(path) {
		return "bytes that are not UTF-8"
	}
	if !strings.Contains(path, "..") {
		return ""
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, _, _ := strings.Cut(segment, ";"); name == ".." {
			return "a .. segment"
		}
	}
	return ""
}
