package callerkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// Bounds of grants.
const (
	// MaxGrant is the most bytes that a grant has.
	MaxGrant = 4 << 10
	// DefaultLifetime is how long a grant lives if nothing is said, and MaxLifetime the longest.
	DefaultLifetime = 10 * time.Minute
	MaxLifetime     = time.Hour

	minLifetime = time.Second // of which grants count
)

// GrantSpec is a grant that is asked for.
type GrantSpec struct {
	// Scope has exactly one origin and one connection, without a "*". Methods and paths that are
	// left out are those of the key.
	Scope Scope
	// Lifetime is from a second to MaxLifetime; DefaultLifetime if zero. The grant ends with its key if
	// that ends earlier.
	Lifetime time.Duration
}

// Grant signs a grant and returns it with the time when it ends. It returns an error that wraps ErrInvalid if the spec
// cannot be; ErrRefused if what was presented is no valid key, or is a grant, or may not do itself
// what is asked for; or an error of the storage, which is asked for the very first grant only.
func (k *Keys) Grant(presented string, g GrantSpec) (secret.String, time.Time, error) {
	if err := g.validate(); err != nil {
		return secret.String{}, time.Time{}, err
	}
	e := k.find(presented)
	if e == nil {
		return secret.String{}, time.Time{}, fmt.Errorf("grant: %w: it takes a valid key", ErrRefused)
	}
	scope, exceeds := g.Scope.within(e.key.Scope)
	if exceeds != "" {
		return secret.String{}, time.Time{}, fmt.Errorf("grant: %w: the %s asked for must lie within those of key %q", ErrRefused, exceeds, e.key.Name)
	}
	now := k.now()
	expires := g.end(now, e.key)
	if !now.Before(expires) {
		return secret.String{}, time.Time{}, fmt.Errorf("grant: %w: key %q ends in less than a second", ErrRefused, e.key.Name)
	}
	s, err := k.needSigner()
	if err != nil {
		return secret.String{}, time.Time{}, fmt.Errorf("grant: %w", err)
	}
	text, err := newPayload(e.key.ID, scope, expires).seal(s)
	if err != nil {
		return secret.String{}, time.Time{}, err
	}
	return secret.New(text), expires, nil
}

func (g GrantSpec) validate() error {
	if err := g.Scope.validate(); err != nil {
		return err
	}
	switch {
	case len(g.Scope.Connections) != 1 || strings.HasSuffix(g.Scope.Connections[0], "/"+wildcard):
		return invalid("grant: ask for exactly one connection, without a *")
	case len(g.Scope.Origins) != 1:
		return invalid("grant: ask for exactly one origin: that of the page")
	case g.Lifetime != 0 && (g.Lifetime < minLifetime || g.Lifetime > MaxLifetime):
		return invalid("grant: a lifetime is from %s to %s", minLifetime, MaxLifetime)
	}
	return nil
}

// end returns a whole second, not after the end of the key.
func (g GrantSpec) end(now time.Time, key Key) time.Time {
	lifetime := g.Lifetime
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	end := now.Add(lifetime)
	if !key.ExpiresAt.IsZero() && key.ExpiresAt.Before(end) {
		end = key.ExpiresAt
	}
	return time.Unix(end.Unix(), 0).UTC()
}

// payload is what a grant says.
type payload struct {
	Version    int      `json:"v"`
	Key        string   `json:"k"` // the id of the key that it was asked for with
	Connection string   `json:"c"`
	Origin     string   `json:"o"`
	Methods    []string `json:"m,omitempty"`
	Paths      []string `json:"p,omitempty"`
	Expires    int64    `json:"e"` // Unix time
}

const payloadVersion = 1

func newPayload(keyID string, s Scope, expires time.Time) payload {
	return payload{
		Version: payloadVersion, Key: keyID, Connection: s.Connections[0], Origin: s.Origins[0],
		Methods: s.Methods, Paths: s.Paths, Expires: expires.Unix(),
	}
}

func (p payload) scope() Scope {
	return Scope{Connections: []string{p.Connection}, Methods: p.Methods, Paths: p.Paths, Origins: []string{p.Origin}}
}

func (p payload) seal(s *signer) (string, error) {
	encoded, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("grant: encoding: %w", err)
	}
	text := GrantPrefix + base64.RawURLEncoding.EncodeToString(encoded)
	text += "." + s.sign(text)
	if len(text) > MaxGrant {
		return "", invalid("grant: it has more than %d bytes; ask for fewer paths", MaxGrant)
	}
	return text, nil
}

// parsePayload reads what stands between the prefix and the dot. It takes nothing but what seal writes: no
// other order, case, escape or white space.
func parsePayload(text string) (p payload, ok bool) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || decodeStrictly(decoded, &p) != nil {
		return payload{}, false
	}
	again, err := json.Marshal(p)
	if err != nil || !bytes.Equal(again, decoded) || p.Version != payloadVersion {
		return payload{}, false
	}
	return p, true
}

// findGrant is Find for a grant. Nothing of it is looked at before its signature was.
func (k *Keys) findGrant(presented string) (Identity, bool) {
	s := k.signer.Load()
	text, signature, found := strings.Cut(presented, ".")
	if s == nil || !found || len(presented) > MaxGrant || !s.verifies(text, signature) {
		return Identity{}, false
	}
	p, ok := parsePayload(text[len(GrantPrefix):])
	if !ok {
		return Identity{}, false
	}
	now, expires := k.now(), time.Unix(p.Expires, 0).UTC()
	e := k.table.Load().byID[p.Key]
	if e == nil || !e.valid(now) || !now.Before(expires) {
		return Identity{}, false
	}
	return Identity{Name: e.key.Name, Scope: p.scope(), Grant: true, ExpiresAt: expires}, true
}
