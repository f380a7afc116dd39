package tokenstore

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// InjectConfig says how an API wants the token: as a header with a value of one's own, or by
// HTTP Basic authentication. There is no way to put it into a URL, which is kept in logs, histories and caches.
type InjectConfig struct {
	// Header is the name of the header, and Value what it holds, with {token} in it once.
	Header, Value string
	// BasicUser is the user name of HTTP Basic authentication (RFC 7617) with the token as the password,
	// as git hosts want it. Header and Value are empty then.
	BasicUser string
}

// isZero reports whether c says nothing.
func (c InjectConfig) isZero() bool { return c == InjectConfig{} }

// or returns c with what it leaves out taken from next.
func (c InjectConfig) or(next InjectConfig) InjectConfig {
	switch {
	case c.isZero():
		return next
	case c.BasicUser != "" || next.BasicUser != "":
		return c
	case c.Header == "":
		c.Header = next.Header
	case c.Value == "":
		c.Value = next.Value
	}
	return c
}

// tokenPlaceholder stands for the token in an inject template.
const tokenPlaceholder = "{token}"

// check returns what is wrong with c, and the remedy.
func (c InjectConfig) check() error {
	switch {
	case c.BasicUser != "" && (c.Header != "" || c.Value != ""):
		return errors.New("basic has a header and a value of its own; leave those out, or basic")
	case c.BasicUser != "":
		return checkBasicUser(c.BasicUser)
	case !httpguts.ValidHeaderFieldName(c.Header):
		return fmt.Errorf("%q is no header name", clip(c.Header))
	case strings.Count(c.Value, tokenPlaceholder) != 1 || !httpguts.ValidHeaderFieldValue(c.Value):
		return errors.New("the value must be a header value with {token} in it, once")
	}
	return nil
}

// checkBasicUser refuses what is no user-id of RFC 7617 section 2, and non-ASCII ones, whose encoding servers
// do not agree on.
func checkBasicUser(user string) error {
	if strings.Contains(user, tokenPlaceholder) {
		return errors.New("basic: the token is the password; give a user name, such as x-access-token")
	}
	if strings.ContainsFunc(user, func(r rune) bool { return r == ':' || r < ' ' || r >= 0x7f }) {
		return fmt.Errorf("basic: %q is no user name: it must be of ASCII letters, digits and signs, without a colon", clip(user))
	}
	return nil
}

// Inject says how a host of a provider wants the token: in which header and in
// what words. It is comparable.
type Inject struct {
	// Header is the canonical name of the header, such as "Authorization".
	Header string

	prefix, suffix string // around the token
	basic          bool   // then prefix, token and suffix are in base64
}

// newInject takes what check has approved.
func newInject(c InjectConfig) Inject {
	if c.BasicUser != "" {
		return Inject{Header: "Authorization", prefix: c.BasicUser + ":", basic: true}
	}
	prefix, suffix, _ := strings.Cut(c.Value, tokenPlaceholder)
	return Inject{Header: http.CanonicalHeaderKey(c.Header), prefix: prefix, suffix: suffix}
}

// Set puts the token into h, in place of whatever stood in that header. All headers with the
// token share the value, which must not be written to.
func (i Inject) Set(h http.Header, t *Token) {
	h[i.Header] = t.valuesFor(i)
}

func (i Inject) render(token string) string {
	text := i.prefix + token + i.suffix
	if i.basic {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text
}

// attached is a list of header values, made once for all requests with a token.
type attached struct {
	inject Inject
	values []string
	next   *attached
}

// maxAttached bounds the list: a token that never expires may see many configurations.
const maxAttached = 8

func (t *Token) valuesFor(i Inject) []string {
	first, length := t.attached.Load(), 0
	for a := first; a != nil; a = a.next {
		if a.inject == i {
			return a.values
		}
		length++
	}
	values := []string{i.render(t.Value.Reveal())}
	if length < maxAttached {
		// Who comes second makes it again another time.
		t.attached.CompareAndSwap(first, &attached{inject: i, values: values, next: first})
	}
	return values
}
