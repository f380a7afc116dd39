package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

const (
	minRSABits = 2048 // RFC 7518 section 3.3
	// maxTries bounds the work for one token. Only a token without kid, or keys that share one, need more than one.
	maxTries = 8
)

// keySet are the keys that an issuer signs with. It is not changed after it was made.
type keySet struct {
	keys []jose.JSONWebKey
}

// parseKeySet reads a JWK Set (RFC 7517). Keys that are not understood are left out, as its section 5 wants it: issuers
// publish keys for other purposes, and will publish kinds that nobody knows yet.
func parseKeySet(body []byte) (*keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, errKeySet
	}
	s := new(keySet)
	for _, raw := range document.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && usable(key) {
			s.keys = append(s.keys, key)
		}
	}
	if len(s.keys) == 0 {
		return nil, errNoKeys
	}
	return s, nil
}

// usable reports whether key is a public key for signatures. A key that is secret as a rule but was published is
// everybody's.
func usable(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || !key.Valid() {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// of returns the keys that t may be signed with.
func (s *keySet) of(t *token) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range s.keys {
		if (t.keyID == "" || t.keyID == key.KeyID) && (key.Algorithm == "" || key.Algorithm == t.alg) && len(found) < maxTries {
			found = append(found, key)
		}
	}
	return found
}

// signed reports whether t is signed with one of the keys.
func (s *keySet) signed(t *token) bool {
	for _, key := range s.of(t) {
		// The key is public, and for an algorithm that is not its own Verify fails.
		if _, err := t.signed.Verify(key.Key); err == nil {
			return true
		}
	}
	return false
}
