// Package secret has the one type that carries secrets through this module:
// client secrets, access tokens, refresh tokens, keys.
//
// A [String] prints REDACTED however it is printed: with any verb of package
// fmt, as JSON or text, through log/slog, or inside another value that is
// printed. The plain value leaves only through [String.Reveal], so that a
// search for that name finds every place where a secret is used.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a secret prints as.
const Redacted = "REDACTED"

// String is a secret text. The zero value is the absent secret. It is
// immutable and safe for concurrent use.
//
// It is deliberately not comparable with ==, which takes a time that depends
// on the secrets; use [String.Equal].
type String struct {
	_ [0]func()
	v *string
}

// New returns the secret s.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{v: &s}
}

// Reveal returns the plain value.
func (s String) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no secret. It makes the omitzero option of
// encoding/json work.
func (s String) IsZero() bool { return s.v == nil }

// Equal reports whether s and t are the same, in a time that depends only on
// their lengths.
func (s String) Equal(t String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// String returns [Redacted].
func (s String) String() string { return Redacted }

// GoString returns [Redacted], for %#v.
func (s String) GoString() string { return Redacted }

// Format prints [Redacted] for every verb: without it, %x or %d would walk
// into the struct.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns [Redacted], for log/slog.
func (s String) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted]; it serves encoding/json and its kin too.
func (s String) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
