package callerkey

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"time"
)

// Key is what may be told about a key.
type Key struct {
	Name  string
	ID    string // public; the middle part of the key itself
	Scope Scope

	CreatedAt time.Time
	ExpiresAt time.Time // zero: never

	// Damaged is set if the key's record cannot be read, or was found where the storage is damaged and may be one that was
	// revoked. Nobody can use the key; all but its name is unknown, and it can only be revoked.
	Damaged bool
}

// Spec is a key to be created.
type Spec struct {
	// Name is 1 to 64 lower-case letters, digits, "-" and "_", beginning with a letter
	// or digit. It is no secret.
	Name  string
	Scope Scope
	// ExpiresAt is when the key ends; zero: never.
	ExpiresAt time.Time
}

// The format of a key.
const (
	// Prefix begins every key, and GrantPrefix every grant, so that they can be told from other secrets.
	Prefix      = "tsk_"
	GrantPrefix = "tsg_"

	idLength     = 10
	secretLength = 52 // of 32 bytes
	keyLength    = len(Prefix) + idLength + 1 + secretLength
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID returns 50 random bits.
func newID(random io.Reader) (string, error) {
	text, err := randomText(random, 7)
	if err != nil {
		return "", err
	}
	return text[:idLength], nil
}

func newKeyText(random io.Reader, id string) (string, error) {
	text, err := randomText(random, 32)
	if err != nil {
		return "", err
	}
	return Prefix + id + "_" + text, nil
}

func randomText(random io.Reader, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return base32Lower.EncodeToString(b), nil
}

// keyID returns the public id in a text that has the form of a key.
func keyID(presented string) (id string, ok bool) {
	if len(presented) != keyLength || presented[:len(Prefix)] != Prefix || presented[len(Prefix)+idLength] != '_' {
		return "", false
	}
	id = presented[len(Prefix) : len(Prefix)+idLength]
	return id, isBase32(id) && isBase32(presented[keyLength-secretLength:])
}

func isBase32(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// keyDomain keeps the digest of a key from being one of anything else.
const keyDomain = "caddy-tokenstore/callerkey\x00"

// digest returns what stands for a key in the storage. A fast hash is enough: nobody can
// try 2^256 secrets. The text is copied to the stack, so that a look-up allocates nothing.
func digest(key string) [sha256.Size]byte {
	var b [len(keyDomain) + keyLength]byte
	n := copy(b[:], keyDomain)
	n += copy(b[n:], key)
	return sha256.Sum256(b[:n])
}

// entry is a key in memory. It is not changed once it is in a table.
type entry struct {
	key      Key
	digest   [sha256.Size]byte
	revision uint64
	// halted: its revocation could not be saved. It is in the storage still, and refused here.
	halted bool
	// problem is why the record is damaged.
	problem error
}

// valid reports whether the key may be used at a time.
func (e *entry) valid(now time.Time) bool {
	return !e.halted && e.problem == nil && (e.key.ExpiresAt.IsZero() || now.Before(e.key.ExpiresAt))
}
