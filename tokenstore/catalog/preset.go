package catalog

import "github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"

// Preset is what is known about one provider.
type Preset struct {
	// ID is the name in configuration, lower case: "dropbox".
	ID string `json:"id"`
	// Name is what people call the provider.
	Name string `json:"name"`
	// DocsURL is where an app is registered, to get a client id and secret.
	DocsURL string `json:"docs_url,omitempty"`

	// The endpoints. An empty RefreshURL means TokenURL; an empty RevokeURL
	// means that tokens cannot be revoked.
	AuthorizeURL string      `json:"authorize_url,omitempty"`
	TokenURL     string      `json:"token_url,omitempty"`
	RefreshURL   string      `json:"refresh_url,omitempty"`
	RevokeURL    string      `json:"revoke_url,omitempty"`
	RevokeStyle  RevokeStyle `json:"revoke_style,omitempty"`

	ScopeSeparator string     `json:"scope_separator"`
	ClientAuth     ClientAuth `json:"client_auth"`
	TokenBody      TokenBody  `json:"token_body"`
	PKCE           PKCE       `json:"pkce"`

	// Parameters that the requests of each kind need beside the standard ones.
	AuthorizeParams map[string]string `json:"authorize_params,omitempty"`
	TokenParams     map[string]string `json:"token_params,omitempty"`
	RefreshParams   map[string]string `json:"refresh_params,omitempty"`

	// DeadCodes are error codes that mean a dead grant here, beside
	// invalid_grant.
	DeadCodes []string `json:"dead_codes,omitempty"`
	Rotation  Rotation `json:"rotation"`
	// AccessTokenLifetime is how long access tokens usually live, in seconds;
	// 0 if that is not known.
	AccessTokenLifetime int64 `json:"access_token_lifetime_s,omitempty"`

	// Hosts are the only places that a token may be sent to. The first is the
	// default.
	Hosts  []Host `json:"hosts,omitempty"`
	Inject Inject `json:"inject"`

	// WebSocket says that the API has WebSockets.
	WebSocket bool `json:"websocket,omitempty"`
	// Headers are those of the API's own, beside what passes for every provider.
	Headers headers.Rules `json:"headers,omitzero"`
	// Methods are those that the API knows beside what every provider does.
	Methods []string `json:"methods,omitempty"`
}

// Host is one host of a provider's API.
type Host struct {
	// Name picks the host in a route: the first path segment.
	Name string `json:"name"`
	// URL has a scheme, a host and perhaps a path below which the API lies.
	URL string `json:"url"`
	// Paths are exactly those routes of the API that are served by this host,
	// for clients that know of one host only. They are empty for the default
	// host, which serves the rest.
	Paths []string `json:"paths,omitempty"`
	// Inject says how this host wants the token, if not as the others do.
	Inject Inject `json:"inject,omitzero"`
}

// Inject says how a token is attached to a request: in a header, or by HTTP Basic
// authentication.
type Inject struct {
	Header string `json:"header,omitempty"`
	// Value has {token} in it once, where the access token goes.
	Value string `json:"value,omitempty"`
	// Basic is the user name of HTTP Basic authentication with the token as the
	// password; Header and Value are empty then.
	Basic string `json:"basic,omitempty"`
}

// ClientAuth says how the client authenticates at the token endpoint.
type ClientAuth string

// The ways to authenticate.
const (
	ClientAuthParams ClientAuth = "params" // in the body
	ClientAuthHeader ClientAuth = "header" // HTTP Basic
	ClientAuthNone   ClientAuth = "none"   // a public client
)

// TokenBody is the encoding of requests to the token endpoint.
type TokenBody string

// The encodings.
const (
	TokenBodyForm TokenBody = "form"
	TokenBodyJSON TokenBody = "json"
)

// PKCE says what the provider makes of a code challenge with S256 (RFC 7636).
type PKCE string

// What a provider makes of it. Unknown parameters must be ignored (RFC 6749
// section 3.1), so a challenge is sent unless it is known to be refused.
const (
	PKCERequired    PKCE = "required"
	PKCESupported   PKCE = "supported"
	PKCEUnsupported PKCE = "unsupported" // ignored, and so without effect
	PKCERefused     PKCE = "refused"     // must not be sent
)

// RevokeStyle says how a token is revoked.
type RevokeStyle string

// The ways to revoke. The empty one stands for RFC 7009.
const (
	RevokeRFC7009 RevokeStyle = "rfc7009"
	RevokeBearer  RevokeStyle = "bearer" // an API call with the access token and no body
)

// Rotation says whether a refresh brings a new refresh token and ends the old.
type Rotation string

// What is known about rotation.
const (
	RotationNever   Rotation = "never"
	RotationAlways  Rotation = "always"
	RotationUnknown Rotation = "unknown"
)
