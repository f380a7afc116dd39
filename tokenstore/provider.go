package tokenstore

import (
	"net/url"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// Provider is a validated provider. It is immutable and safe for concurrent use.
type Provider struct {
	name     string
	preset   string
	grant    GrantType
	endpoint oauth.Endpoint
	// tokenHost is where refreshes go, without the path: a server, which other providers may have too.
	tokenHost string
	issuer    string
	hosts     []Host
	dials     dial.Policy // to hosts
	sockets   bool
	headers   headers.Rules
	methods   []string
	policy    RefreshPolicy

	lead          time.Duration
	assumeTTL     time.Duration
	sleepAfter    time.Duration // 0: never
	minInterval   time.Duration
	maxConcurrent int
	maxPerSecond  float64

	// fingerprint changes when anything changes that could turn a refusal by
	// the server into an acceptance, or the pace of calls.
	fingerprint string
}

// Host is a place the token may be sent to.
type Host struct {
	Name    string
	URL     *url.URL // scheme, host and base path without a trailing slash; not to be changed
	Address string   // host:port of URL
	Inject  Inject   // how it wants the token
	paths   []string
}

// Name returns the provider's name.
func (p *Provider) Name() string { return p.name }

// Preset returns the name of the preset it was made from.
func (p *Provider) Preset() string { return p.preset }

// Grant returns the grant type.
func (p *Provider) Grant() GrantType { return p.grant }

// Scopes returns the scopes that are asked for. The slice must not be changed.
func (p *Provider) Scopes() []string { return p.endpoint.Scopes }

// AuthorizeURL returns where the browser is sent for a consent, empty if the grant needs none.
func (p *Provider) AuthorizeURL() string { return p.endpoint.AuthorizeURL }

// WebSocket reports whether the API is known to have WebSockets.
func (p *Provider) WebSocket() bool { return p.sockets }

// Hosts returns the places that the token may be sent to; the first one is the
// default. The slice must not be changed.
func (p *Provider) Hosts() []Host { return p.hosts }

// Headers returns which headers of the API's own pass, beside those that always do. The slices must not be changed.
func (p *Provider) Headers() headers.Rules { return p.headers }

// Methods returns the methods that the API knows. The slice must not be changed.
func (p *Provider) Methods() []string { return p.methods }

// Dials returns which addresses the hosts may have.
func (p *Provider) Dials() dial.Policy { return p.dials }

// HostFor picks the host for a request path, which begins with a slash and is
// still escaped. If the first segment is a host's name, that host is meant, and rest is the
// path without the segment. Otherwise rest is the path as it is, and the host is the one whose
// paths it matches, or else the first one; it is nil if the provider has none. The Host must not be changed.
func (p *Provider) HostFor(path string) (h *Host, rest string) {
	if len(p.hosts) == 0 {
		return nil, path
	}
	first, behind, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for i := range p.hosts {
		if h := &p.hosts[i]; h.Name != "" && h.Name == first {
			return h, "/" + behind
		}
	}
	for i := range p.hosts {
		h := &p.hosts[i]
		for _, pattern := range h.paths {
			if prefix, wild := strings.CutSuffix(pattern, "*"); path == pattern || wild && strings.HasPrefix(path, prefix) {
				return h, path
			}
		}
	}
	return &p.hosts[0], path
}

// HostAt returns the host at a destination: scheme, host and port must be those of a host of the provider, and path must lie
// below that host's base path; of several such, it is the one whose base path is the longest. The port may be
// left out where it is the scheme's own. The token must not be sent to where there is none. The Host must not be changed.
func (p *Provider) HostAt(scheme, hostport, path string) (h *Host, ok bool) {
	for i := range p.hosts {
		u := p.hosts[i].URL
		if u.Scheme != scheme || !sameHost(scheme, u.Host, hostport) || !below(u.EscapedPath(), path) {
			continue
		}
		if h == nil || len(u.EscapedPath()) > len(h.URL.EscapedPath()) {
			h = &p.hosts[i]
		}
	}
	return h, h != nil
}

// sameHost compares without allocating where both are written alike, as they
// nearly always are.
func sameHost(scheme, a, b string) bool {
	return a == b || strings.EqualFold(withoutPort(scheme, a), withoutPort(scheme, b))
}

// withoutPort cuts off the scheme's own port and a trailing dot.
func withoutPort(scheme, hostport string) string {
	own := ":443"
	if scheme == "http" {
		own = ":80"
	}
	return strings.TrimSuffix(strings.TrimSuffix(hostport, own), ".")
}

func below(base, path string) bool {
	return base == "" || strings.HasPrefix(path, base) && (len(path) == len(base) || path[len(base)] == '/')
}
