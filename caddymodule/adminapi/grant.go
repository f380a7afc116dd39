package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// MaxGrant is the most bytes that an import may have.
const MaxGrant = 64 << 10

// maxLifetime is the longest lifetime that is believed.
const maxLifetime = 10 * 365 * 24 * time.Hour

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
	r := grantReader{members: found}
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
	r := grantReader{members: found, lenient: true}
	g := r.grant()
	r.expiresAt(&g, "expiry")
	r.expiresAt(&g, "expires_at")
	if in, ok := r.seconds("expires_in"); ok && g.ExpiresAt.IsZero() && in > 0 {
		g.ExpiresAt = now.Add(in)
	}
	return r.finish(g)
}

// grantReader takes the members out one by one and keeps the first problem.
type grantReader struct {
	members map[string]json.RawMessage
	lenient bool
	problem string
}

func (r *grantReader) fail(problem string) {
	if r.problem == "" {
		r.problem = problem
	}
}

func (r *grantReader) finish(g Grant) (Grant, error) {
	if g.AccessToken.IsZero() && g.RefreshToken.IsZero() {
		r.fail("it has neither access_token nor refresh_token")
	}
	if r.problem != "" {
		return Grant{}, fmt.Errorf("%w: %s", ErrMalformedGrant, r.problem)
	}
	return g, nil
}

// grant reads everything but the times.
func (r *grantReader) grant() Grant {
	return Grant{
		AccessToken:  secret.New(r.text("access_token")),
		RefreshToken: secret.New(r.text("refresh_token")),
		TokenType:    r.text("token_type"),
		Scopes:       r.scopes(),
		Account:      r.text("account"),
		Refresh:      r.policy(),
	}
}

// take returns a member, nil if there is none or if it is null and that is no mistake.
func (r *grantReader) take(name string) json.RawMessage {
	raw := r.members[name]
	delete(r.members, name)
	if r.lenient && string(raw) == "null" {
		return nil
	}
	return raw
}

func (r *grantReader) text(name string) string {
	raw := r.take(name)
	if raw == nil {
		return ""
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		r.fail(name + " is not a string")
		return ""
	}
	return *s
}

func (r *grantReader) scopes() []string {
	raw := r.members["scope"]
	var list []string
	if r.lenient && json.Unmarshal(raw, &list) == nil {
		delete(r.members, "scope")
		return list
	}
	return strings.Fields(r.text("scope"))
}

// expiresAt reads a time into g, if there is one and g has none yet.
func (r *grantReader) expiresAt(g *Grant, name string) {
	raw := r.take(name)
	if raw == nil {
		return
	}
	at, ok := parseTime(raw, r.lenient)
	if !ok {
		r.fail(name + " is not a time as in RFC 3339, such as 2030-01-31T12:00:00Z")
		return
	}
	if g.ExpiresAt.IsZero() {
		g.ExpiresAt = at
	}
}

// parseTime takes the zero time too, by which x/oauth2 says that it does not know.
func parseTime(raw json.RawMessage, lenient bool) (time.Time, bool) {
	var at *time.Time
	if json.Unmarshal(raw, &at) == nil && at != nil {
		utc := at.UTC() // its year may be one that JSON cannot hold
		return utc, utc.IsZero() || utc.Year() >= 1970 && utc.Year() <= 9999
	}
	seconds, ok := number(raw)
	if !ok || !lenient || seconds < 0 || seconds > math.MaxUint32*10 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// seconds reads a number of seconds; more than ten years are taken as ten.
func (r *grantReader) seconds(name string) (time.Duration, bool) {
	raw := r.take(name)
	if raw == nil {
		return 0, false
	}
	n, ok := number(raw)
	var s string
	if r.lenient && !ok && json.Unmarshal(raw, &s) == nil {
		parsed, err := strconv.ParseFloat(s, 64)
		n, ok = parsed, err == nil && !math.IsNaN(parsed)
	}
	if !ok || n < 0 || !r.lenient && n != math.Trunc(n) {
		r.fail(name + " is not a number of seconds")
		return 0, false
	}
	return time.Duration(min(n, maxLifetime.Seconds()) * float64(time.Second)), true
}

func number(raw json.RawMessage) (float64, bool) {
	var n *float64
	if json.Unmarshal(raw, &n) != nil || n == nil {
		return 0, false
	}
	return *n, true
}

// policy reads a refresh policy as the Caddyfile writes it.
func (r *grantReader) policy() *tokenstore.RefreshPolicy {
	text := r.text("refresh")
	if text == "" {
		return nil
	}
	const expected = "refresh is not eager, on_demand or keep_alive <period>, such as keep_alive 30d"
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 {
		r.fail(expected)
		return nil
	}
	policy := &tokenstore.RefreshPolicy{Mode: tokenstore.RefreshMode(words[0])}
	if len(words) == 2 {
		period, err := caddy.ParseDuration(words[1])
		if err != nil {
			r.fail(expected)
			return nil
		}
		policy.Period = period
	}
	switch keepAlive := policy.Mode == tokenstore.RefreshKeepAlive; {
	case !keepAlive && policy.Mode != tokenstore.RefreshEager && policy.Mode != tokenstore.RefreshOnDemand,
		keepAlive != (len(words) == 2),
		keepAlive && policy.Period < time.Minute:
		r.fail(expected + "; a period is at least 1m")
		return nil
	}
	return policy
}
