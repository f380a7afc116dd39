package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// MaxGrant is the most bytes that an import may have.
const MaxGrant = 64 << 10

// ErrMalformedGrant is wrapped if a grant cannot be read. The error's text holds nothing of
// what was read, which may be a token.
var ErrMalformedGrant = errors.New("malformed grant")

// Grant is what an import consists of. Its JSON form has the members access_token,
// refresh_token, token_type, expires_at (RFC 3339) or expires_in (seconds), scope
// (separated by spaces), account and refresh (a refresh policy as in the Caddyfile).
type Grant struct {
	AccessToken  secret.String
	RefreshToken secret.String
	TokenType    string
	ExpiresAt    time.Time // zero: unknown
	Scopes       []string
	Account      string
	Refresh      *tokenstore.RefreshPolicy // nil: as the provider has it
}

// Encode returns the JSON form, with the tokens in it.
func (g Grant) Encode() ([]byte, error) {
	wire := struct {
		AccessToken  string    `json:"access_token,omitempty"`
		RefreshToken string    `json:"refresh_token,omitempty"`
		TokenType    string    `json:"token_type,omitempty"`
		ExpiresAt    time.Time `json:"expires_at,omitzero"`
		Scope        string    `json:"scope,omitempty"`
		Account      string    `json:"account,omitempty"`
		Refresh      string    `json:"refresh,omitempty"`
	}{
		AccessToken:  g.AccessToken.Reveal(),
		RefreshToken: g.RefreshToken.Reveal(),
		TokenType:    g.TokenType,
		ExpiresAt:    g.ExpiresAt.UTC(),
		Scope:        strings.Join(g.Scopes, " "),
		Account:      g.Account,
	}
	if g.Refresh != nil {
		wire.Refresh = g.Refresh.String()
	}
	return json.Marshal(wire)
}

// Import returns the grant as the store takes it.
func (g Grant) Import() tokenstore.Import {
	return tokenstore.Import{
		AccessToken:  g.AccessToken.Reveal(),
		RefreshToken: g.RefreshToken.Reveal(),
		TokenType:    g.TokenType,
		ExpiresAt:    g.ExpiresAt,
		Scopes:       g.Scopes,
		Account:      g.Account,
		Refresh:      g.Refresh,
	}
}

// ParseGrant reads the JSON form of a grant, and nothing else: a member that is
// unknown or twice there is refused. expires_in counts from now. Its errors wrap
// ErrMalformedGrant.
func ParseGrant(body []byte, now time.Time) (Grant, error) {
	found, err := members(body)
	if err != nil {
		return Grant{}, fmt.Errorf("%w: %w", ErrMalformedGrant, err)
	}
	r := reader{members: found}
	g := r.grant()
	r.expiresAt(&g, "expires_at")
	if in, ok := r.seconds("expires_in"); ok {
		if !g.ExpiresAt.IsZero() {
			r.fail("give expires_at or expires_in, not both")
		}
		g.ExpiresAt = now.Add(in)
	}
	if len(r.members) > 0 {
		r.fail("it has an unknown member; known are access_token, refresh_token, token_type, expires_at, expires_in, scope, account and refresh")
	}
	return r.finish(g)
}

// ParseForeignGrant reads a grant as token endpoints and OAuth libraries write them: beside the
// members of a Grant it takes expiry (golang.org/x/oauth2), expires_at as a Unix time,
// expires_in as a string, and scope as a list; it ignores what it does not know. An absolute time
// goes before expires_in, since nobody knows when that began to count. Its errors wrap
// ErrMalformedGrant.
func ParseForeignGrant(body []byte, now time.Time) (Grant, error) {
	found, err := members(body)
	if err != nil {
		return Grant{}, fmt.Errorf("%w: %w", ErrMalformedGrant, err)
	}
	r := reader{members: found, lenient: true}
	g := r.grant()
	r.expiresAt(&g, "expiry")
	r.expiresAt(&g, "expires_at")
	if in, ok := r.seconds("expires_in"); ok && g.ExpiresAt.IsZero() && in > 0 {
		g.ExpiresAt = now.Add(in)
	}
	return r.finish(g)
}
