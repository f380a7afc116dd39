package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// MaxNewKey is the most bytes that the body of a new key may have.
const MaxNewKey = 64 << 10

// The states of a key. One that is damaged cannot be read, and can only be revoked.
const (
	KeyValid   = "valid"
	KeyExpired = "expired"
	KeyDamaged = "damaged" // the same word as of a connection
)

// ErrMalformedKey is wrapped if a new key cannot be read.
var ErrMalformedKey = errors.New("malformed key")

// Key is what may be told about the key of a caller. A list that is absent does not restrict it.
type Key struct {
	Name string `json:"name"`
	// ID is the public part of the key, by which one that was found somewhere can be told.
	ID string `json:"id,omitempty"`
	// State is KeyValid, KeyExpired or KeyDamaged.
	State string `json:"state"`

	Connections []string `json:"connections,omitempty"`
	Methods     []string `json:"methods,omitempty"`
	Paths       []string `json:"paths,omitempty"`
	Origins     []string `json:"origins,omitempty"`

	CreatedAt time.Time `json:"created_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // absent: never
}

// NewKey returns what is told about k.
func NewKey(k callerkey.Key, now time.Time) Key {
	state := KeyValid
	switch {
	case k.Damaged:
		state = KeyDamaged
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		state = KeyExpired
	}
	return Key{
		Name: k.Name, ID: k.ID, State: state,
		Connections: k.Scope.Connections, Methods: k.Scope.Methods, Paths: k.Scope.Paths, Origins: k.Scope.Origins,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(),
	}
}

// Keys are all keys, in the order of their names.
type Keys struct {
	Keys []Key `json:"keys"`
	// Incomplete says, in words, why there may be keys that are not here; empty if there are none.
	Incomplete string `json:"incomplete,omitempty"`
}

// CreatedKey is a new key with its secret text, which is told once.
type CreatedKey struct {
	Key
	Secret secret.String
}

type wireCreatedKey struct {
	Key
	Secret string `json:"key"`
}

// Encode returns the JSON form, with the secret in it as the member key.
func (k CreatedKey) Encode() ([]byte, error) {
	return json.Marshal(wireCreatedKey{k.Key, k.Secret.Reveal()})
}

// UnmarshalJSON reads what Encode wrote.
func (k *CreatedKey) UnmarshalJSON(b []byte) error {
	var wire wireCreatedKey
	if err := json.Unmarshal(b, &wire); err != nil {
		return errors.New("it is not a key") // what it is may be secret
	}
	k.Key, k.Secret = wire.Key, secret.New(wire.Secret)
	return nil
}

// KeySpec is a key to be created. A list that is nil does not restrict it; one that is empty is
// refused, and so must not get lost when it is written.
type KeySpec struct {
	Name        string    `json:"name"`
	Connections []string  `json:"connections,omitzero"`
	Methods     []string  `json:"methods,omitzero"`
	Paths       []string  `json:"paths,omitzero"`
	Origins     []string  `json:"origins,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"` // absent: never
}

// Spec returns the key as the store takes it.
func (k KeySpec) Spec() callerkey.Spec {
	return callerkey.Spec{
		Name:      k.Name,
		Scope:     callerkey.Scope{Connections: k.Connections, Methods: k.Methods, Paths: k.Paths, Origins: k.Origins},
		ExpiresAt: k.ExpiresAt,
	}
}

// ParseKeySpec reads the JSON form of a KeySpec, and nothing else: a member that is unknown or twice there
// is refused, since it may be meant to restrict the key. In place of expires_at there may be expires_in, in
// seconds from now. Its errors wrap ErrMalformedKey.
func ParseKeySpec(body []byte, now time.Time) (KeySpec, error) {
	found, err := members(body)
	if err != nil {
		return KeySpec{}, fmt.Errorf("%w: %w", ErrMalformedKey, err)
	}
	r := reader{members: found}
	k := KeySpec{
		Name: r.text("name"), Connections: r.list("connections"),
		Methods: r.list("methods"), Paths: r.list("paths"), Origins: r.list("origins"),
	}
	at, fixed := r.time("expires_at")
	in, relative := r.seconds("expires_in")
	switch {
	case fixed && relative:
		r.fail("give expires_at or expires_in, not both")
	case fixed && at.IsZero():
		r.fail("expires_at is in the past; leave it out for a key that never expires")
	case fixed:
		k.ExpiresAt = at
	case relative:
		k.ExpiresAt = now.Add(in)
	}
	if len(r.members) > 0 {
		r.fail("it has an unknown member; known are name, connections, methods, paths, origins, expires_at and expires_in")
	}
	if r.problem != "" {
		return KeySpec{}, fmt.Errorf("%w: %s", ErrMalformedKey, r.problem)
	}
	return k, nil
}
