package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// KeySize is the length of a [Key] in bytes.
const KeySize = 32

// checkSize is the length of the key check in a wrapped keyset.
const checkSize = 16

// Key is the key-encryption key: 32 random bytes that wrap a store's keyset.
// It is immutable and safe for concurrent use, and prints REDACTED however it
// is printed. The zero value is the absent key, which [Open] refuses.
type Key struct {
	// raw holds the bytes, not their encoding. As a secret it keeps them behind a
	// pointer, so that they stay hidden even where package fmt cannot call
	// the methods below: in an unexported field of another struct.
	raw secret.String
}

// GenerateKey reads a new key from rand, which should be crypto/rand.Reader.
func GenerateKey(rand io.Reader) (Key, error) {
	raw := make([]byte, KeySize)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return Key{}, fmt.Errorf("generate an encryption key: %w", err)
	}
	return newKey(raw), nil
}

func newKey(raw []byte) Key { return Key{secret.New(string(raw))} }

// Reveal returns the key as text that [ParseKey] reads: base64 with padding.
// It returns the empty string for the absent key.
func (k Key) Reveal() string { return base64.StdEncoding.EncodeToString([]byte(k.raw.Reveal())) }

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.raw.IsZero() }

// Equal reports whether k and other are the same, in constant time.
func (k Key) Equal(other Key) bool { return k.raw.Equal(other.raw) }

// Fingerprint returns 16 hex digits that are the same for the same key and tell
// nothing about it. It is for comparing the keys of two configurations, or of
// a configuration and a store, by eye.
func (k Key) Fingerprint() string {
	if k.IsZero() {
		return "none"
	}
	return fingerprint(k.check())
}

// fingerprint shortens a key check for people. It serves the check of a
// stored keyset too, so that an error can name the key that the store wants.
func fingerprint(check []byte) string { return hex.EncodeToString(check[:8]) }

// check is what a wrapped keyset remembers its key-encryption key by.
func (k Key) check() []byte { return k.derive("check")[:checkSize] }

// derive makes a key of its own for each purpose, so that what is published
// for one of them says nothing about the others.
func (k Key) derive(purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(k.raw.Reveal()))
	mac.Write([]byte("caddy-tokenstore/key-encryption-key/" + purpose))
	return mac.Sum(nil)
}

// String returns [secret.Redacted].
func (k Key) String() string { return secret.Redacted }

// GoString returns [secret.Redacted], for %#v.
func (k Key) GoString() string { return secret.Redacted }

// Format prints [secret.Redacted] for every verb.
func (k Key) Format(f fmt.State, verb rune) { k.raw.Format(f, verb) }

// LogValue returns [secret.Redacted], for log/slog.
func (k Key) LogValue() slog.Value { return k.raw.LogValue() }

// MarshalText returns [secret.Redacted]; it serves encoding/json too.
func (k Key) MarshalText() ([]byte, error) { return k.raw.MarshalText() }
