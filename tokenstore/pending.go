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
	// counted is set once open was read from the storage, by the one who holds counting.
	counted  atomic.Bool
	counting sync.Mutex
	// replacing is held by the one who makes room for a consent.
	replacing sync.Mutex
	unpurged  unpurged
	left      left
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
	// Who goes away must not leave behind what is stored and not counted.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitDeadline)
	defer cancel()
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
	if s.consents.take(maxPending) {
		return nil
	}
	err := s.dropOldestConsent(ctx, key)
	if err != nil {
		if raw, failed := s.backend.Get(ctx, key); failed == nil {
			_ = s.backend.Delete(ctx, key, raw.Revision) // else it ends by itself
		}
	}
	return err
}

// dropOldestConsent ends the consent that would end first, other than the one for which there has to be
// room. It stays counted: its place is the caller's. What damage does not let be ended is passed over.
func (s *Store) dropOldestConsent(ctx context.Context, newcomer storage.Key) error {
	candidates, damage := s.oldestConsents(ctx, newcomer)
	if damage != nil && !errors.Is(damage, storage.ErrDamaged) {
		return damage
	}
	for _, key := range candidates {
		counted := false
		raw, err := s.backend.Get(ctx, key)
		if err == nil {
			p, _ := s.openPending(raw) // what cannot be opened can end
			counted, err = s.endPending(ctx, p)
		}
		switch {
		case counted:
			return nil
		case errors.Is(err, storage.ErrDamaged):
			damage = err
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		case s.consents.take(maxPending): // it was used up meanwhile
			return nil
		}
	}
	return cmp.Or(damage, ErrTooManyConsents)
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
		if e.Key != newcomer && strings.HasPrefix(e.Key.ID, kindConsent+"/") && !s.consents.left.has(e.Key) {
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
	s.consents.counting.Lock()
	defer s.consents.counting.Unlock()
	if s.consents.counted.Load() {
		return nil
	}
	var found []storage.Record
	for after, more := "", true; more; {
		page, err := s.backend.List(ctx, bucketConsents, "", after, consentsPage)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			return err
		}
		found = append(found, page...)
		if more = len(page) == consentsPage; more {
			after = page[len(page)-1].Key.ID
		}
	}
	index, damage := s.dueConsents(ctx, s.now().AddDate(100, 0, 0))
	if damage != nil && !errors.Is(damage, storage.ErrDamaged) {
		return damage
	}
	s.consents.open.Add(s.learnPending(found, index, damage != nil))
	s.consents.counted.Store(true)
	return nil
}

// purgeConsents deletes what has expired.
func (s *Store) purgeConsents(ctx context.Context) {
	expired, err := s.dueConsents(ctx, s.now())
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		return // the schedule's own reading tells of the trouble
	}
	keys := s.consents.unpurged.expired(s.now())
	for _, e := range expired {
		keys = append(keys, e.Key)
	}
	keys = slices.DeleteFunc(keys, s.consents.left.stays)
	slices.SortFunc(keys, func(a, b storage.Key) int { return cmp.Compare(a.ID, b.ID) })
	keys = slices.Compact(keys) // what is in both must not be counted off twice
	if len(keys) == 0 || s.countPending(ctx) != nil {
		return
	}
	for _, key := range keys[:min(len(keys), consentsPage)] {
		if s.purge(ctx, key) {
			s.consents.open.Add(-1)
		}
	}
}

// purge deletes what has expired, or has been used up. counted: until now it counted as open.
func (s *Store) purge(ctx context.Context, key storage.Key) (counted bool) {
	raw, err := s.backend.Get(ctx, key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		s.consents.unpurged.forget(key)
		return false
	case errors.Is(err, storage.ErrDamaged):
		return s.consents.left.keep(key) // or it would be tried again and again, before others
	case err != nil:
		return false
	}
	switch err := s.backend.Delete(ctx, key, raw.Revision); {
	case err == nil:
		s.consents.unpurged.forget(key)
		return !s.consents.left.forget(key)
	case errors.Is(err, storage.ErrDamaged):
		return s.consents.left.keep(key)
	}
	return false
}
