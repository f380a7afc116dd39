package jwt

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// leeway is how far the issuer's clock may be ahead. There is none for the expiry: with a clock that is behind, a token just
	// ends a little early.
	leeway = time.Minute
	// maxName is that of sub in OpenID Connect Core 1.0 section 2.
	maxName = 255
)

// claims are what a token says.
type claims struct {
	jwt.Claims
	all map[string]any
}

// rules are an Issuer that is ready for use.
type rules struct {
	issuer    string
	audiences []string
	require   map[string][]string
	name      string
	private   bool // the issuer may be in a private network
}

// check returns the name of the caller, or why the claims are refused.
func (r rules) check(c claims, now time.Time) (name string, why refusal) {
	_, bound := c.all["cnf"]
	switch {
	case c.Issuer != r.issuer:
		return "", refusedIssuer
	case !slices.ContainsFunc(r.audiences, c.Audience.Contains):
		return "", refusedAudience
	case c.Expiry == nil:
		return "", refusedNoExpiry
	case !now.Before(c.Expiry.Time()):
		return "", refusedExpired
	case c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.Time()),
		c.IssuedAt != nil && now.Add(leeway).Before(c.IssuedAt.Time()):
		return "", refusedEarly
	case bound:
		return "", refusedBound
	}
	for claim, values := range r.require {
		if !slices.ContainsFunc(c.values(claim), func(v string) bool { return slices.Contains(values, v) }) {
			return "", refusedRequire
		}
	}
	name, _ = c.find(r.name).(string)
	if !isName(name) {
		return "", refusedName
	}
	return name, ""
}

// isName reports whether s can be shown in a log, a page and a header without being taken for anything else.
func isName(s string) bool {
	// U+FFFD stands for whatever was no character: different names would be the same.
	unprintable := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	return s != "" && len(s) <= maxName && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unprintable)
}

// find returns the claim of that name, or what dots lead to. Names with dots, such as https://example.com/roles, come first.
func (c claims) find(name string) any {
	if v, there := c.all[name]; there {
		return v
	}
	var v any = c.all
	for part := range strings.SplitSeq(name, ".") {
		object, _ := v.(map[string]any)
		v = object[part]
	}
	return v
}

// values returns what a claim has, as far as it can be compared with a setting: numbers cannot, since
// the large ones lose digits.
func (c claims) values(name string) []string {
	v := c.find(name)
	if list, ok := v.([]any); ok {
		var values []string
		for _, element := range list {
			values = appendScalar(values, element)
		}
		return values
	}
	if s, ok := v.(string); ok && (name == "scope" || name == "scp") {
		return strings.Fields(s) // RFC 8693 section 4.2; scp is Microsoft's name for it
	}
	return appendScalar(nil, v)
}

func appendScalar(values []string, v any) []string {
	switch v := v.(type) {
	case string:
		return append(values, v)
	case bool:
		return append(values, strconv.FormatBool(v))
	}
	return values
}
