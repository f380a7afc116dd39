package tokenstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// maxPending bounds how many consents and login links may be open: what begins
// them is a request, and each is a write. Login links, which only an operator makes, may be
// ticketReserve more, so that whoever begins consents cannot keep them from being made.
const (
	maxPending    = 1000
	ticketReserve = 100
	consentsPage  = 256 // how many are read at once
)

// The kinds of one-time secrets. Each is part of its digest, so that a secret
// of one kind is nothing in the place of another.
const (
	kindConsent = "consent" // the state of a consent
	kindBinding = "binding" // the cookie of the browser that began it
	kindTicket  = "ticket"  // a login link
)

// consents counts what is open.
type consents struct {
	open atomic.Int64
	// counted is set once open was read from the storage.
	counted atomic.Bool
	// replacing is held by the one who makes room for a consent.
	replacing sync.Mutex
	unpurged  unpurged
}

// take counts one more, unless there are so many already. It is counted first, so
// that of many who come at once none gets past the bound.
func (c *consents) take(bound int64) bool {
	if c.open.Add(1) <= bound {
		return true
	}
	c.open.Add(-1)
	return false
}

// pending is a consent or a login link that is open. It is stored under the digest
// of its secret, which itself is not stored.
type pending struct {
	ID          string    `json:"id"`
	Verifier    string    `json:"verifier,omitempty"`
	BindingHash string    `json:"binding_hash,omitempty"`
	RedirectURI string    `json:"redirect_uri,omitempty"`
	ReturnTo    string    `json:"return_to,omitempty"`
	ExpiresAt   time.Time `json:"expires_at"`

	key      storage.Key
	revision uint64
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

func (s *Store) putPending(ctx context.Context, kind, text string, p pending) error {
	if err := s.countPending(ctx); err != nil {
		return err
	}
	bound := int64(maxPending)
	if kind == kindTicket {
		bound += ticketReserve
	}
	key := pendingKey(kind, text)
	switch {
	case s.consents.take(bound):
		err := s.savePending(ctx, key, p)
		if err != nil {
			s.consents.open.Add(-1)
		}
		return err
	case kind == kindTicket:
		return ErrTooManyConsents
	}
	return s.replaceConsent(ctx, key, p)
}

// replaceConsent saves one more consent than there may be, and gives it the place of the oldest one: to
// refuse would let a process that begins one after the other lock everybody out. It is saved
// first, since those that were counted just before are on their way into the storage, and come
// before it.
func (s *Store) replaceConsent(ctx context.Context, key storage.Key, p pending) error {
	s.consents.replacing.Lock()
	defer s.consents.replacing.Unlock()
	if err := s.savePending(ctx, key, p); err != nil {
		return err
	}
	for !s.consents.take(maxPending) {
		replaced, err := s.dropOldestConsent(ctx, key)
		if replaced {
			return nil
		}
		if err != nil {
			if raw, failed := s.backend.Get(ctx, key); failed == nil {
				_ = s.backend.Delete(ctx, key, raw.Revision) // else it ends by itself
			}
			return err
		}
	}
	return nil
}

// dropOldestConsent deletes the consent that ends first, other than the one for which there has to be
// room. It stays counted: its place is the caller's. dropped is false if it was used up meanwhile; then there is room.
func (s *Store) dropOldestConsent(ctx context.Context, newcomer storage.Key) (dropped bool, err error) {
	key, err := s.oldestConsent(ctx, newcomer)
	if err != nil {
		return false, err
	}
	raw, err := s.backend.Get(ctx, key)
	if err == nil {
		err = s.backend.Delete(ctx, key, raw.Revision)
	}
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		s.consents.unpurged.forget(key)
	}
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// oldestConsent returns ErrTooManyConsents if nothing but login links is open beside the newcomer.
func (s *Store) oldestConsent(ctx context.Context, newcomer storage.Key) (storage.Key, error) {
	var cursor storage.Due
	for {
		// The clock may have been ahead when they were begun.
		page, err := s.backend.Due(ctx, bucketConsents, s.now().AddDate(100, 0, 0), cursor, consentsPage)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			return storage.Key{}, err
		}
		if len(page) == 0 {
			if oldest, ok := s.consents.unpurged.oldestConsent(newcomer); ok {
				return oldest, nil
			}
			return storage.Key{}, cmp.Or(err, ErrTooManyConsents)
		}
		for _, e := range page {
			if e.Key != newcomer && strings.HasPrefix(e.Key.ID, kindConsent+"/") {
				return e.Key, nil
			}
		}
		cursor = page[len(page)-1]
	}
}

// countPending learns once how many were open when the store was opened, as far as damage of the storage lets it.
func (s *Store) countPending(ctx context.Context) error {
	if s.consents.counted.Load() {
		return nil
	}
	open, err := s.backend.List(ctx, bucketConsents, "", "", maxPending+ticketReserve)
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		return err
	}
	if s.consents.counted.CompareAndSwap(false, true) {
		s.consents.open.Add(int64(len(open)))
		s.learnUnpurged(open)
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
	if err != nil || !s.now().Before(p.ExpiresAt) {
		return pending{}, fmt.Errorf("%w: begin it again", ErrInvalidConsent)
	}
	return p, nil
}

func (s *Store) openPending(raw storage.Record) (p pending, err error) {
	plain, _, err := s.records.sealer.Open(raw.Key.Bucket, raw.Key.ID, raw.Value)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	p.key, p.revision = raw.Key, raw.Revision
	return p, err
}

// usePending uses it up. Of two who try, one gets ErrInvalidConsent.
func (s *Store) usePending(ctx context.Context, p pending) error {
	err := s.backend.Delete(ctx, p.key, p.revision)
	for errors.Is(err, storage.ErrConflict) {
		// Its key is a digest of a secret that is used once, so all that can have changed is
		// the key that it is sealed under.
		var raw storage.Record
		if raw, err = s.backend.Get(ctx, p.key); err == nil {
			err = s.backend.Delete(ctx, p.key, raw.Revision)
		}
	}
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		s.consents.unpurged.forget(p.key)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: it was used already", ErrInvalidConsent)
	}
	if err == nil && s.consents.counted.Load() {
		s.consents.open.Add(-1)
	}
	return err
}

// purgeConsents deletes what has expired.
func (s *Store) purgeConsents(ctx context.Context) {
	expired, err := s.backend.Due(ctx, bucketConsents, s.now(), storage.Due{}, consentsPage)
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		return // the schedule's own reading tells of the trouble
	}
	keys := s.consents.unpurged.expired(s.now())
	for _, e := range expired {
		keys = append(keys, e.Key)
	}
	for _, key := range keys {
		raw, err := s.backend.Get(ctx, key)
		if errors.Is(err, storage.ErrNotFound) {
			s.consents.unpurged.forget(key)
		}
		if err == nil && s.countPending(ctx) == nil {
			_ = s.usePending(ctx, pending{key: key, revision: raw.Revision})
		}
	}
}

// IssueTicket makes the secret of a login link: who has it may begin the
// consent of id, once, until it expires. It returns the errors of BeginConsent.
func (s *Store) IssueTicket(ctx context.Context, id ID) (ticket string, expires time.Time, err error) {
	if _, err := s.consentProvider(id); err != nil {
		return "", time.Time{}, err
	}
	ticket, expires = oauth.NewState(), s.now().Add(consentLifetime)
	err = s.putPending(ctx, kindTicket, ticket, pending{ID: id.String(), ExpiresAt: expires})
	if err != nil {
		return "", time.Time{}, s.explain(id, err)
	}
	return ticket, expires, nil
}

// CheckTicket returns nil if the ticket would be accepted for id, without
// using it up, and else an error that wraps ErrInvalidConsent.
func (s *Store) CheckTicket(ctx context.Context, id ID, ticket string) error {
	_, err := s.ticket(ctx, id, ticket)
	return s.explain(id, err)
}

// RedeemTicket uses a ticket up. It returns an error that wraps
// ErrInvalidConsent if it is unknown, used, expired or for another connection.
func (s *Store) RedeemTicket(ctx context.Context, id ID, ticket string) error {
	p, err := s.ticket(ctx, id, ticket)
	if err == nil {
		err = s.usePending(ctx, p)
	}
	return s.explain(id, err)
}

func (s *Store) ticket(ctx context.Context, id ID, ticket string) (pending, error) {
	p, err := s.getPending(ctx, kindTicket, ticket)
	if err == nil && p.ID != id.String() {
		return pending{}, fmt.Errorf("%w: begin it again", ErrInvalidConsent)
	}
	return p, err
}
