package tokenstore

import (
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// Token is the access token of a connection as it is handed out. It never
// carries a refresh token. A Token is immutable and safe for concurrent use.
type Token struct {
	ID    ID
	Value secret.String
	// Type is what the server called it, usually "Bearer".
	Type string
	// ExpiresAt is when it expires; the zero time if nobody knows. Such a token
	// is refreshed when the provider's API refuses it.
	ExpiresAt time.Time
	// Scopes are the granted scopes, as far as known.
	Scopes []string
	// Generation grows by one with each refresh of the connection.
	Generation uint64

	// margin is how long before its expiry the token no longer counts as fresh: it
	// has to reach the provider's API and be looked at there.
	margin time.Duration
}

// freshMargin returns the margin of a token of the given lifetime.
func freshMargin(lifetime time.Duration) time.Duration {
	return min(10*time.Second, lifetime/10)
}

// fresh reports whether the token has more than its margin left, and at least d.
func (t *Token) fresh(d time.Duration, now time.Time) bool {
	return t.ExpiresAt.IsZero() || now.Add(max(d, t.margin)).Before(t.ExpiresAt)
}

// valid reports whether the token has not expired.
func (t *Token) valid(now time.Time) bool {
	return t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt)
}

// oauth2 returns the token in the shape of x/oauth2, without a refresh token.
func (t *Token) oauth2() *oauth2.Token {
	return &oauth2.Token{AccessToken: t.Value.Reveal(), TokenType: t.Type, Expiry: t.ExpiresAt}
}

// Inject says how a provider's API wants the token: in which header and in
// what words.
type Inject struct {
	// Header is the canonical name of the header, such as "Authorization".
	Header string
	prefix string
	suffix string
}

// newInject takes a header's name and a value with {token} in it.
func newInject(header, value string) Inject {
	prefix, suffix, _ := strings.Cut(value, tokenPlaceholder)
	return Inject{Header: http.CanonicalHeaderKey(header), prefix: prefix, suffix: suffix}
}

// tokenPlaceholder stands for the token in an inject template.
const tokenPlaceholder = "{token}"

// Set puts the token into h, in place of whatever stood in that header.
func (i Inject) Set(h http.Header, t *Token) {
	h[i.Header] = []string{i.prefix + t.Value.Reveal() + i.suffix}
}
