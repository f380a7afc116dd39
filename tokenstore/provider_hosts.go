package tokenstore

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/catalog"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/methods"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// api reads where the token goes, and in which form.
func (b *builder) api() {
	b.inject = b.config.Inject.or(presetInject(b.preset.Inject))
	if err := b.inject.check(); err != nil {
		b.problem("inject", "%v", err)
	}
	for _, h := range b.preset.Hosts {
		b.host(HostConfig{Name: h.Name, URL: h.URL, Paths: h.Paths, Inject: presetInject(h.Inject)}, false)
	}
	for _, h := range b.config.Hosts {
		b.host(h, true)
	}
	b.oneInjectAnURL()
	var urls []string
	for _, h := range b.p.hosts {
		urls = append(urls, h.URL.String())
	}
	b.p.dials = dial.NewPolicy(b.config.Private, urls...)
	b.p.sockets = b.preset.WebSocket
}

// oneInjectAnURL refuses two ways to send the token to one URL: it is by the URL that the way is found.
func (b *builder) oneInjectAnURL() {
	for i, h := range b.p.hosts {
		for _, other := range b.p.hosts[:i] {
			if other.Address == h.Address && other.URL.Path == h.URL.Path && other.Inject != h.Inject {
				b.problem("host", "%s and %s have one URL and different inject; give them the same, or a path that tells them apart", clip(other.Name), clip(h.Name))
			}
		}
	}
}

// presetInject translates what a preset says.
func presetInject(i catalog.Inject) InjectConfig {
	return InjectConfig{Header: i.Header, Value: i.Value, BasicUser: i.Basic}
}

// host adds a host, or replaces the one of that name; what the preset knows of its paths
// stays true when only the address is another.
func (b *builder) host(c HostConfig, own bool) {
	if err := oauth.CheckURL(c.URL); err != nil {
		b.problem("host", "%s: %v", clip(c.Name), err)
		return
	}
	u, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || u.RawQuery != "" {
		b.problem("host", "%s: it must be scheme, host and path alone", clip(c.Name))
		return
	}
	if own && (c.Name == "" || strings.ContainsAny(c.Name, "/%?#")) {
		b.problem("host", "%q is no name for a host; it is to be the first segment of a path", clip(c.Name))
		return
	}
	inject := c.Inject.or(b.inject)
	if err := inject.check(); err != nil {
		b.problem("host", "%s: inject: %v", clip(c.Name), err)
		return
	}
	h := Host{Name: c.Name, URL: u, Address: address(u), Inject: newInject(inject), paths: slices.Clone(c.Paths)}
	i := slices.IndexFunc(b.p.hosts, func(h Host) bool { return h.Name == c.Name })
	if i < 0 {
		b.p.hosts = append(b.p.hosts, h)
		return
	}
	if c.Paths == nil {
		h.paths = b.p.hosts[i].paths
	}
	if c.Inject.isZero() {
		h.Inject = b.p.hosts[i].Inject
	}
	b.p.hosts[i] = h
}

// address returns host:port of u, with the scheme's own port if u has none.
func address(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "http":
		return u.Host + ":80"
	}
	return u.Host + ":443"
}

// passing reads what may go on between a client and the API.
func (b *builder) passing() {
	c := b.config
	for _, name := range c.RequestHeaders {
		if err := headers.CheckRequest(name); err != nil {
			b.problem("request_header", "%v", err)
		} else if headers.IsForwarding(http.CanonicalHeaderKey(name)) {
			b.problem("request_header", "%q tells about the way to a route: let it pass there, with pass_header", clip(name))
		}
	}
	for _, name := range c.ResponseHeaders {
		if err := headers.CheckResponse(name); err != nil {
			b.problem("response_header", "%v", err)
		}
	}
	for _, method := range c.Methods {
		if err := methods.Check(method); err != nil {
			b.problem("methods", "%v", err)
		}
	}
	b.p.headers = b.preset.Headers.With(headers.Rules{Request: c.RequestHeaders, Response: c.ResponseHeaders})
	b.p.methods = methods.Standard()
	for _, method := range slices.Concat(b.preset.Methods, c.Methods) {
		if !slices.Contains(b.p.methods, method) {
			b.p.methods = append(b.p.methods, method)
		}
	}
}
