package caddymodule

import (
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// ProviderConfig is a SaaS that connections are made to. What is left out comes
// from the preset.
//
// Placeholders such as `{env.NAME}` and `{file./path}` may stand in the client's id
// and secret, in scopes, URLs and parameters. They are replaced once, when the
// configuration is loaded.
type ProviderConfig struct {
	// The provider's name, the first half of the ids of its connections
	// (`dropbox-demo/auth`): lower-case letters, digits, `-` and `_`. Required.
	Name string `json:"name,omitempty"`

	// The preset to take everything from that is not told here, such as
	// `dropbox`. Default: `generic`, which knows no endpoints.
	Preset string `json:"preset,omitempty"`

	// How tokens are come by: `authorization_code`, with a person's consent, or
	// `client_credentials`, without. Default: `authorization_code`.
	Grant tokenstore.GrantType `json:"grant,omitempty"`

	// The client id, as the provider's developer console shows it. Required.
	ClientID string `json:"client_id,omitempty"`

	// The client secret; leave it out for a public client. Use a placeholder,
	// `{env.NAME}` or `{file./path}`: what is written here literally can be read in
	// Caddy's configuration, through its admin API and in its autosave file.
	ClientSecret string `json:"client_secret,omitempty"`

	// The scopes to ask for.
	Scopes []string `json:"scopes,omitempty"`

	// The authorization endpoint, where the browser goes for a consent.
	AuthorizeURL string `json:"authorize_url,omitempty"`

	// The token endpoint. It must be https, or http on a loopback address.
	TokenURL string `json:"token_url,omitempty"`

	// The endpoint for refreshes. Default: the token endpoint.
	RefreshURL string `json:"refresh_url,omitempty"`

	// The endpoint that revokes a grant when its connection is deleted.
	RevokeURL string `json:"revoke_url,omitempty"`

	// What the authorization server calls itself. If it is told, a consent
	// counts only if it comes back with that name (RFC 9207).
	Issuer string `json:"issuer,omitempty"`

	// How the client authenticates at the token endpoint: `params` in the body,
	// `header` with HTTP Basic authentication, or `none` for a public client.
	ClientAuth string `json:"client_auth,omitempty"`

	// The encoding of requests to the token endpoint: `form` or `json`.
	TokenBody string `json:"token_body,omitempty"`

	// Whether consents are protected by PKCE: `on`, or `off` for a server that
	// refuses it. Default: `on`.
	PKCE string `json:"pkce,omitempty"`

	// What separates the scopes in a request. Default: a space.
	ScopeSeparator string `json:"scope_separator,omitempty"`

	// Parameters added to the authorization request. An empty value takes a
	// parameter of the preset away.
	AuthorizeParams map[string]string `json:"authorize_params,omitempty"`

	// Parameters added to the request that redeems a code.
	TokenParams map[string]string `json:"token_params,omitempty"`

	// Parameters added to refreshes.
	RefreshParams map[string]string `json:"refresh_params,omitempty"`

	// Error codes of the token endpoint that, beside `invalid_grant`, say that
	// the grant is gone and a person has to consent again.
	DeadCodes []string `json:"dead_codes,omitempty"`

	// The API's hosts: the only places the token is ever sent to. They replace
	// the preset's hosts of the same name and stand beside the others.
	Hosts []HostConfig `json:"hosts,omitempty"`

	// Let the endpoints and the API hosts be in a private network, or on this machine. Without it, they are connected to
	// at public addresses only, whatever their names stand for in the DNS, unless a URL has an IP address or
	// `localhost` for a host. Link-local addresses, and those at which clouds serve their machines, are refused even so.
	Private bool `json:"private,omitempty"`

	// How the API wants the token, unless a host says otherwise. Default: `Authorization: Bearer {token}`.
	Inject *InjectConfig `json:"inject,omitempty"`

	// Request headers of the API's own that its clients may send, beside those that pass for every provider and those of the
	// preset: names such as `X-Acme-Version`, or beginnings of names such as `X-Acme-*`. What tells who the client
	// is, acts for somebody else or overrides the method has to be written out.
	RequestHeaders []string `json:"request_headers,omitempty"`

	// Response headers of the API's own that its clients get to see, beside those that pass for every provider and those of the
	// preset: names, or beginnings of names. What speaks for the whole origin, such as
	// `Set-Cookie`, has to be written out; CORS headers never pass.
	ResponseHeaders []string `json:"response_headers,omitempty"`

	// Methods that the API knows beside GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, such as `PROPFIND`.
	Methods []string `json:"methods,omitempty"`

	// When tokens are refreshed without being asked for.
	Refresh *RefreshConfig `json:"refresh,omitempty"`

	// How long before its expiry a token is refreshed, at the most. It is never
	// more than a fifth of the token's lifetime. Default: `5m`.
	Lead caddy.Duration `json:"lead,omitempty"`

	// The lifetime of tokens whose server does not tell it. Default: unknown;
	// such a token is refreshed when the API refuses it.
	AssumeTTL caddy.Duration `json:"assume_ttl,omitempty"`

	// Leaves a connection to sleep that nobody has asked for in this time: it is no
	// longer refreshed ahead of expiry, until somebody asks for it and waits for a
	// refresh. Connections with `keep_alive` do not sleep. Default: none does.
	SleepAfter caddy.Duration `json:"sleep_after,omitempty"`

	// The shortest time between two refreshes of a connection that the API's
	// refusals cause. Default: `30s`.
	MinRefreshInterval caddy.Duration `json:"min_refresh_interval,omitempty"`

	// How many calls to the token endpoint may be under way at once. Default: 4.
	MaxConcurrent int `json:"max_concurrent,omitempty"`

	// How many calls to the token endpoint may begin in a second. Default: 20.
	MaxPerSecond float64 `json:"max_per_second,omitempty"`
}

// HostConfig is an API host of a provider.
type HostConfig struct {
	// The name that picks the host as the first segment of a path, as `content`
	// does in `/content/2/files/upload`.
	Name string `json:"name,omitempty"`

	// The scheme, host, and perhaps port and base path. It must be https, or http on a
	// loopback address.
	URL string `json:"url,omitempty"`

	// The paths that belong to this host when a request names no host. A
	// trailing `*` matches any rest.
	Paths []string `json:"paths,omitempty"`

	// How this host wants the token. Default: as the provider's other hosts do.
	Inject *InjectConfig `json:"inject,omitempty"`
}

// InjectConfig says how an API wants the token: in a header, or by HTTP Basic authentication. It cannot go into the
// URL, which is kept in logs.
type InjectConfig struct {
	// The name of the request header.
	Header string `json:"header,omitempty"`

	// Its value, with `{token}` where the token goes.
	Value string `json:"value,omitempty"`

	// The user name of HTTP Basic authentication with the token as the password, in place of
	// `header` and `value`. Git hosts want it so; what the name is, few of them look at.
	Basic string `json:"basic,omitempty"`
}

// engine returns c for the engine.
func (c *InjectConfig) engine() tokenstore.InjectConfig {
	if c == nil {
		return tokenstore.InjectConfig{}
	}
	return tokenstore.InjectConfig{Header: c.Header, Value: c.Value, BasicUser: c.Basic}
}

// RefreshConfig says when tokens are refreshed without being asked for.
type RefreshConfig struct {
	// `eager`: ahead of expiry, always. `on_demand`: only when a token is
	// asked for. `keep_alive`: on demand, and beyond that once in each period, so
	// that a refresh token which dies when it is idle does not. Default: `eager`.
	Mode tokenstore.RefreshMode `json:"mode,omitempty"`

	// The period of `keep_alive`.
	Period caddy.Duration `json:"period,omitempty"`
}

// policy returns c for the engine.
func (c *RefreshConfig) policy() tokenstore.RefreshPolicy {
	if c == nil {
		return tokenstore.RefreshPolicy{}
	}
	return tokenstore.RefreshPolicy{Mode: c.Mode, Period: time.Duration(c.Period)}
}
