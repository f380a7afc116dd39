package tokenstore

import (
	"sync/atomic"
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
	// revision of the record that it came from. Published tokens: guarded by the hot map's mu.
	revision uint64
	// noted is set when somebody asked for the token and that has been noted, for a while.
	noted atomic.Bool
	// attached are the header values that were made of Value.
	attached atomic.Pointer[attached]
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
