package tokenstore

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// The kinds of one-time secrets. Each is part of its digest, so that a secret
// of one kind is nothing in the place of another.
const (
	kindConsent = "consent" // the state of a consent
	kindBinding = "binding" // the cookie of the browser that began it
	kindTicket  = "ticket"  // a login link
)

// pending is a consent or a login link that is open. It is stored under the digest
// of its secret, which itself is not stored.
type pending struct {
	ID          string    `json:"id"`
	Verifier    string    `json:"verifier,omitempty"`
	BindingHash string    `json:"binding_hash,omitempty"`
	RedirectURI string    `json:"redirect_uri,omitempty"`
	ReturnTo    string    `json:"return_to,omitempty"`
	ExpiresAt   time.Time `json:"expires_at"`
	// Used marks what is left of one that damage did not let be deleted when it was used up. It has no other member but ExpiresAt.
	Used bool `json:"used,omitempty"`

	key      storage.Key
	revision uint64
	due      time.Time // as it is stored
}

// digest returns what stands for a one-time secret in the storage.
func digest(kind, text string) string {
	sum := sha256.Sum256([]byte("caddy-tokenstore/" + kind + "\x00" + text))
	return hex.EncodeToString(sum[:])
}

// pendingKey tells the kind in clear, so that the due index shows what is a consent.
func pendingKey(kind, text string) storage.Key {
	return storage.Key{Bucket: bucketConsents, ID: kind + "/" + digest(kind, text)}
}

func sameDigest(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// isOneTimeSecret reports whether text could be one: what cannot is not worth a
// reading. They are made by oauth.NewState, of 256 random bits as base64url.
func isOneTimeSecret(text string) bool {
	if len(text) != 43 {
		return false
	}
	bits, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(bits) == 32
}

// savePending stores what is open, with an entry in the due index, or without one if that cannot take it.
func (s *Store) savePending(ctx context.Context, key storage.Key, p pending) error {
	plain, err := json.Marshal(p)
	if err != nil {
		return err
	}
	put := func(due time.Time) error {
		_, err := s.records.sealer.Put(ctx, seal.Binding{Bucket: key.Bucket, ID: key.ID}, plain, due, 0)
		return err
	}
	err = put(p.ExpiresAt)
	if !errors.Is(err, storage.ErrDueIndex) {
		return err
	}
	if left := put(time.Time{}); left != nil {
		return errors.Join(err, left)
	}
	s.consents.unpurged.keep(key, p.ExpiresAt)
	if s.schedule.told.again(true) {
		s.trouble("beginning a consent", err)
	}
	return nil
}

// getPending returns what is open under this secret, or an error that wraps
// ErrInvalidConsent, always with the same words.
func (s *Store) getPending(ctx context.Context, kind, text string) (pending, error) {
	if !isOneTimeSecret(text) {
		return pending{}, fmt.Errorf("%w: begin it again", ErrInvalidConsent)
	}
	key := pendingKey(kind, text)
	raw, err := s.backend.Get(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return pending{}, fmt.Errorf("%w: begin it again", ErrInvalidConsent)
	}
	if err != nil {
		return pending{}, err
	}
	p, err := s.openPending(raw)
	if err != nil || p.Used || !s.now().Before(p.ExpiresAt) {
		return pending{}, fmt.Errorf("%w: begin it again", ErrInvalidConsent)
	}
	return p, nil
}

func (s *Store) openPending(raw storage.Record) (p pending, err error) {
	plain, _, err := s.records.sealer.Open(raw.Key.Bucket, raw.Key.ID, raw.Value)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	p.key, p.revision, p.due = raw.Key, raw.Revision, raw.Due
	return p, err
}
