package adminapi

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// maxLifetime is the longest lifetime that is believed.
const maxLifetime = 10 * 365 * 24 * time.Hour

// reader takes the members of a grant or a key out one by one and keeps the first problem.
type reader struct {
	members map[string]json.RawMessage
	lenient bool
	problem string
}

func (r *reader) fail(problem string) {
	if r.problem == "" {
		r.problem = problem
	}
}

func (r *reader) finish(g Grant) (Grant, error) {
	if g.AccessToken.IsZero() && g.RefreshToken.IsZero() {
		r.fail("it has neither access_token nor refresh_token")
	}
	if r.problem != "" {
		return Grant{}, fmt.Errorf("%w: %s", ErrMalformedGrant, r.problem)
	}
	return g, nil
}

// list reads a list of strings, nil if there is none.
func (r *reader) list(name string) []string {
	raw := r.take(name)
	if raw == nil {
		return nil
	}
	var list *[]string
	if json.Unmarshal(raw, &list) != nil || list == nil {
		r.fail(name + " is not a list of strings")
		return nil
	}
	return *list
}

// grant reads everything but the times.
func (r *reader) grant() Grant {
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
func (r *reader) take(name string) json.RawMessage {
	raw := r.members[name]
	delete(r.members, name)
	if r.lenient && string(raw) == "null" {
		return nil
	}
	return raw
}

func (r *reader) text(name string) string {
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

func (r *reader) scopes() []string {
	raw := r.members["scope"]
	var list []string
	if r.lenient && json.Unmarshal(raw, &list) == nil {
		delete(r.members, "scope")
		return list
	}
	return strings.Fields(r.text("scope"))
}

// expiresAt reads a time into g, if there is one and g has none yet.
func (r *reader) expiresAt(g *Grant, name string) {
	if at, ok := r.time(name); ok && g.ExpiresAt.IsZero() {
		g.ExpiresAt = at
	}
}

func (r *reader) time(name string) (time.Time, bool) {
	raw := r.take(name)
	if raw == nil {
		return time.Time{}, false
	}
	at, ok := parseTime(raw, r.lenient)
	if !ok {
		r.fail(name + " is not a time as in RFC 3339, such as 2030-01-31T12:00:00Z")
	}
	return at, ok
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
func (r *reader) seconds(name string) (time.Duration, bool) {
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
func (r *reader) policy() *tokenstore.RefreshPolicy {
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
