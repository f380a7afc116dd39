// Package secrettest finds secrets in what a program has written, for tests that nothing leaks: also where they were
// encoded on their way, or cut off.
package secrettest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The forms in which a secret can be read.
const (
	Plain   = "as it is"
	Percent = "percent-coded"
	JSON    = "as JSON"
	Hex     = "in hexadecimal"
	Base64  = "in base64"
	Start   = "its first 12 characters" // of a longer one
)

// startLength is how much of a secret is too much: a prefix that tells of what kind it is may be shorter.
const startLength = 12

// Find returns the forms in which secret is in content, in the order of the constants. The first of them is enough for a leak;
// a secret that has nothing to be escaped is found in several at once.
func Find(content []byte, secret string) (forms []string) {
	for _, form := range []string{Plain, Percent, JSON, Hex, Base64, Start} {
		if slices.ContainsFunc(Written(secret, form), func(s string) bool { return bytes.Contains(content, []byte(s)) }) {
			forms = append(forms, form)
		}
	}
	return forms
}

// Written returns what is in a text that has secret in a form, whatever stands before and behind it there: one or more
// ways to write it. It panics if there is no such form.
func Written(secret, form string) []string {
	switch form {
	case Plain:
		return []string{secret}
	case Percent:
		return []string{url.QueryEscape(secret), url.PathEscape(secret), everyByte(secret, "%%%02X"), everyByte(secret, "%%%02x")}
	case JSON:
		quoted, _ := json.Marshal(secret) // of a string, it cannot fail
		return []string{strings.TrimSuffix(strings.TrimPrefix(string(quoted), `"`), `"`)}
	case Hex:
		return []string{hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret)}
	case Base64:
		return base64Of(secret)
	case Start:
		if len(secret) > startLength {
			return []string{secret[:startLength]}
		}
		return nil
	}
	panic("secrettest: no form " + form)
}

func everyByte(secret, format string) string {
	var b strings.Builder
	for i := range len(secret) {
		fmt.Fprintf(&b, format, secret[i])
	}
	return b.String()
}

// base64Of returns what each of the three offsets in an encoded text leaves of a secret, without the ends, which
// its neighbours have a part in.
func base64Of(secret string) (all []string) {
	for offset := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
			from, to := (offset*8+5)/6, len(encoded)-1
			if to-from >= 4 { // else it is in every text
				all = append(all, encoded[from:to])
			}
		}
	}
	return all
}
