package tokenstore

import (
	"net/url"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// Provider is a validated provider. It is immutable and safe for concurrent use.
type Provider struct {
	name     string
	preset   string
	grant    GrantType
	endpoint oauth.Endpoint
	hosts    []Host
	inject   Inject
	policy   RefreshPolicy

	lead          time.Duration
	assumeTTL     time.Duration
	minInterval   time.Duration
	maxConcurrent int
	maxPerSecond  float64

	// fingerprint changes when anything changes that could turn a refusal by
	// the server into an acceptance.
	fingerprint string
}

// Host is a place the token may be sent to.
type Host struct {
	Name  string
	URL   *url.URL // scheme, host and base path without a trailing slash; not to be changed
	paths []string
}

// Name returns the provider's name.
func (p *Provider) Name() string { return p.name }

// Preset returns the name of the preset it was made from.
func (p *Provider) Preset() string { return p.preset }

// Grant returns the grant type.
func (p *Provider) Grant() GrantType { return p.grant }

// Inject returns how the API wants the token.
func (p *Provider) Inject() Inject { return p.inject }

// Hosts returns the places that the token may be sent to; the first one is the
// default. The slice must not be changed.
func (p *Provider) Hosts() []Host { return p.hosts }
