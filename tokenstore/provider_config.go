package tokenstore

import (
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// GrantType says how a connection of a provider comes to its tokens.
type GrantType string

// The grant types.
const (
	// GrantAuthorizationCode needs a person's consent, once (RFC 6749 section
	// 4.1, with PKCE).
	GrantAuthorizationCode GrantType = "authorization_code"
	// GrantClientCredentials needs nobody's (RFC 6749 section 4.4).
	GrantClientCredentials GrantType = "client_credentials"
)

// ProviderConfig is what is written down about a provider. Fields that are
// left at zero come from the preset, and if it is silent too, from the
// defaults told here.
type ProviderConfig struct {
	// Name is how connections refer to the provider.
	Name string
	// Preset names an entry of package catalog; "generic" if empty.
	Preset string
	// Grant is authorization_code if empty.
	Grant GrantType

	ClientID     string
	ClientSecret secret.String // may be empty: a public client
	Scopes       []string

	AuthorizeURL string
	TokenURL     string
	RefreshURL   string
	RevokeURL    string

	ClientAuth     string // "params", "header" or "none"
	TokenBody      string // "form" or "json"
	PKCE           string // "on" or "off"
	ScopeSeparator string

	// Parameters added to the preset's; an empty value takes one away.
	AuthorizeParams map[string]string
	TokenParams     map[string]string
	RefreshParams   map[string]string

	// DeadCodes are added to the preset's error codes that say that the grant is gone.
	DeadCodes []string

	// Hosts are the only places the token is ever sent to. They replace the
	// preset's hosts of the same name, and stand beside the others.
	Hosts []HostConfig
	// Private lets the endpoints and the hosts be in private networks. Without it, they are connected to at public addresses
	// only, whatever their names stand for, unless a URL has an IP address or localhost for a host.
	Private bool

	// Issuer, if set, must come back as iss with each consent (RFC 9207).
	Issuer string

	// Inject says how the API wants the token, unless its host says otherwise.
	Inject InjectConfig

	// RequestHeaders and ResponseHeaders of the API's own pass between it and its clients, beside those that always do and
	// those of the preset. Each is a name, or the beginning of names such as X-Acme-*; see package headers.
	RequestHeaders  []string
	ResponseHeaders []string
	// Methods are those that the API knows beside the standard ones and the preset's.
	Methods []string

	// Refresh is eager if its mode is empty.
	Refresh RefreshPolicy
	// Lead is how long before expiry a token is refreshed, at the most; 5 min if
	// zero. It is never more than a fifth of the token's lifetime.
	Lead time.Duration
	// AssumeTTL is the lifetime of tokens whose server does not tell it; unknown
	// if zero.
	AssumeTTL time.Duration
	// SleepAfter leaves a connection to sleep that nobody has asked for in this time: it is no longer
	// refreshed ahead of expiry, until somebody asks and waits for a refresh. Only RefreshEager can do so;
	// zero lets no connection sleep.
	SleepAfter time.Duration
	// MinRefreshInterval is the shortest time between two refreshes of a connection whose token
	// has not expired, whether the API's refusals cause them or callers who ask for
	// more remaining time than it has; 30 s if zero.
	MinRefreshInterval time.Duration
	// MaxConcurrent is how many calls to the token endpoint may be under way
	// at once; 4 if zero.
	MaxConcurrent int
	// MaxPerSecond is how many calls to the token endpoint may begin in a
	// second; 20 if zero.
	MaxPerSecond float64
}

// HostConfig is an API host of a provider.
type HostConfig struct {
	// Name picks the host in a path, as "content" does in /content/2/files/upload.
	Name string
	// URL is scheme, host, perhaps port and base path.
	URL string
	// Paths are those that belong to this host when a request names no host.
	// A trailing * matches any rest.
	Paths []string
	// Inject says how this host wants the token, if not as the others do.
	Inject InjectConfig
}

// ConfigError is one problem of a configuration. What [NewProvider] returns is
// made of these (errors.Join).
type ConfigError struct {
	// Field is the name of the setting in the Caddyfile and in JSON, such as
	// "token_url".
	Field string
	// Problem says what is wrong and what to do about it.
	Problem string
}

// Error implements [error].
func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }
