package oauth

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

const (
	maxToken   = 16 << 10
	maxScopes  = 16 << 10
	maxAccount = 256
)

// reading is what a body says, before anyone asks what it means.
type reading struct {
	answer Answer
	// hasError: there is an error member that is not null, empty or false.
	hasError bool
	// code is the error code, if it is well-formed.
	code string
	// whole: the body is well-formed to its end.
	whole bool
	// suspect: a member that decides something occurs with two values, in
	// another case, or as something that cannot be what its name says. Parsers
	// disagree on which one counts (encoding/json takes the last and ignores
	// case), so none does.
	suspect bool
	// nested is a grant below the top level, if there is one there and none at it.
	nested *Answer
}

// deciding are the members whose duplicates and case variants are refused.
var deciding = []string{"access_token", "refresh_token", "token_type", "expires_in", "scope", "error"}

// read reads a body without losing what is good in it.
func read(r *reply, e *Endpoint) reading {
	ms, whole := members(r.body, r.trouble == "")
	f := gather(ms)
	rd := reading{whole: whole}
	for _, name := range deciding {
		rd.suspect = rd.suspect || f[name].conflict || f[name].variant
	}
	rd.answer.AccessToken = rd.token(f["access_token"])
	rd.answer.RefreshToken = rd.token(f["refresh_token"])
	if f["access_token"].empty() && f["refresh_token"].empty() {
		rd.nested = nestedGrant(ms)
	}
	rd.answer.TokenType = f["token_type"].label(64)
	rd.answer.Scopes = f["scope"].scopes(e)
	rd.answer.Account = account(f)
	rd.answer.ExpiresAt = expiry(f, rd.answer.AccessToken, r.sentAt)
	if !f["error"].empty() {
		rd.hasError = true
		if whole {
			rd.code = errorCode(f["error"])
		}
	}
	return rd
}

// ValidToken reports whether s can be an access or refresh token: 1 to 16 KiB
// of VSCHAR (RFC 6749 appendix A).
func ValidToken(s string) bool { return s != "" && len(s) <= maxToken && visible(s) }

// token takes a token out of f.
func (rd *reading) token(f field) secret.String {
	if f.empty() {
		return secret.String{}
	}
	s, ok := f.text()
	if !ok || !ValidToken(s) {
		rd.suspect = true
		return secret.String{}
	}
	return secret.New(s)
}

// field is a member with all its occurrences taken together.
type field struct {
	value    json.RawMessage
	conflict bool // two different values
	variant  bool // a name in another case
}

// gather puts members that differ only in case together, under the name in
// lower case.
func gather(ms []member) map[string]field {
	fs := make(map[string]field, len(ms))
	for _, m := range ms {
		name := strings.ToLower(m.name)
		f, again := fs[name]
		f.variant = f.variant || name != m.name
		f.conflict = f.conflict || again && !bytes.Equal(f.value, m.value)
		f.value = m.value
		fs[name] = f
	}
	return fs
}

// empty reports whether f says nothing: absent, null, "", {} or false.
func (f field) empty() bool {
	if f.conflict {
		return false
	}
	switch string(f.value) {
	case "", "null", `""`, "{}", "[]", "false":
		return true
	}
	return false
}

// text returns the value of a string that is not in conflict.
func (f field) text() (s string, ok bool) {
	if f.conflict || len(f.value) == 0 || f.value[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(f.value, &s) == nil
}

// label returns a text that is good to show, or "".
func (f field) label(limit int) string {
	if s, ok := f.text(); ok && len(s) <= limit && visible(s) {
		return s
	}
	return ""
}

// scopes splits at the endpoint's separator, and at spaces and commas, since
// servers answer with another separator than they ask for. No scope in use has
// a comma in it. A JSON array is taken too.
func (f field) scopes(e *Endpoint) []string {
	var parts []string
	if text, ok := f.text(); ok && len(text) <= maxScopes {
		parts = strings.FieldsFunc(text, func(c rune) bool {
			return c == ' ' || c == ',' || strings.ContainsRune(e.ScopeSeparator, c)
		})
	} else if f.conflict || json.Unmarshal(f.value, &parts) != nil {
		return nil
	}
	var scopes []string
	for _, s := range parts {
		if len(s) <= maxAccount && visible(s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// account finds a name for the account, in the order of how stable it is.
func account(f map[string]field) string {
	if id := f["account_id"].label(maxAccount); id != "" {
		return id
	}
	idToken, ok := f["id_token"].text()
	if !ok {
		return ""
	}
	return jwtClaims(idToken)["sub"].label(maxAccount)
}

// errorCode returns the code if it is one by its form. RFC 6749 section 5.2
// would allow whole sentences.
func errorCode(f field) string {
	code := f.label(64)
	for _, c := range code {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("_-.:", c):
		default:
			return ""
		}
	}
	return code
}

// visible reports whether s is one or more VSCHAR.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return s != ""
}
