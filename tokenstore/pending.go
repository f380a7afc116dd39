package tokenstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
// room. It stays counted: its place is the caller's. What damage does not let be deleted is passed over. dropped is false if
// it was used up meanwhile; then there is room.
func (s *Store) dropOldestConsent(ctx context.Context, newcomer storage.Key) (dropped bool, err error) {
	candidates, damage := s.oldestConsents(ctx, newcomer)
	if damage != nil && !errors.Is(damage, storage.ErrDamaged) {
		return false, damage
	}
	for _, key := range candidates {
		raw, err := s.backend.Get(ctx, key)
		if err == nil {
			err = s.backend.Delete(ctx, key, raw.Revision)
		}
		if err == nil || errors.Is(err, storage.ErrNotFound) {
			s.consents.unpurged.forget(key)
		}
		switch {
		case errors.Is(err, storage.ErrDamaged):
			damage = err
		case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrConflict):
			return false, nil
		default:
			return err == nil, err
		}
	}
	return false, cmp.Or(damage, ErrTooManyConsents)
}

// oldestConsents returns the consents that are open beside the newcomer, those that end first at the head. With an error
// that wraps storage.ErrDamaged they are all that can be found.
func (s *Store) oldestConsents(ctx context.Context, newcomer storage.Key) (oldest []storage.Key, damage error) {
	// The clock may have been ahead when they were begun.
	entries, err := s.dueConsents(ctx, s.now().AddDate(100, 0, 0))
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		return nil, err
	}
	entries = append(entries, s.consents.unpurged.entries()...)
	slices.SortFunc(entries, compareDue)
	for _, e := range entries {
		if e.Key != newcomer && strings.HasPrefix(e.Key.ID, kindConsent+"/") {
			oldest = append(oldest, e.Key)
		}
	}
	return oldest, err
}

// dueConsents reads the whole index of what ends until then. With an error that wraps storage.ErrDamaged it is all that can be found.
func (s *Store) dueConsents(ctx context.Context, until time.Time) (entries []storage.Due, damage error) {
	for cursor := (storage.Due{}); ; {
		page, err := s.backend.Due(ctx, bucketConsents, until, cursor, consentsPage)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			return nil, err
		}
		damage = cmp.Or(damage, err)
		entries = append(entries, page...)
		if len(page) < consentsPage {
			return entries, damage
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
