package tokenstore

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

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
