package tokenstore

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// unindexedPage is how many records, or entries of the index, are read at once, and unindexedPause lies between two
	// pages: there is no hurry.
	unindexedPage  = 256
	unindexedPause = 5 * time.Millisecond
	// unindexedAgain is how soon all records are looked at again while the due index is damaged, and unindexedRetry
	// how soon if that failed.
	unindexedAgain = time.Hour
	unindexedRetry = 5 * time.Second
)

// runUnindexed looks for connections that the due index has lost, when that turns out to be damaged. It knows no other way to find
// them: nobody may ask for them before their grant has died of not being used.
func (s *Store) runUnindexed(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.schedule.damaged:
		}
		wait := unindexedAgain
		if err := s.findUnindexed(ctx); err != nil && ctx.Err() == nil {
			s.tellUnindexed(err)
			s.schedule.noteDamage()
			wait = unindexedRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		case <-s.schedule.reloaded: // there may be a provider now whose connections were passed over
			s.schedule.noteDamage()
		}
	}
}

func (s *Store) tellUnindexed(err error) {
	if s.schedule.told.again(errors.Is(err, storage.ErrDamaged)) {
		s.trouble("looking for what the due index has lost", err)
	}
}

// findUnindexed keeps in memory when the connections are due that the index does not have, or has too late. What is damaged among
// the records themselves is passed over.
func (s *Store) findUnindexed(ctx context.Context) error {
	index, err := s.readIndex(ctx)
	if err != nil {
		return err
	}
	for after := ""; ; sleep(ctx, unindexedPause) {
		page, err := s.backend.List(ctx, bucketConnections, "", after, unindexedPage)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			return err
		}
		for _, raw := range page {
			after = raw.Key.ID
			id, malformed := ParseID(raw.Key.ID)
			if malformed != nil || raw.Value == nil || s.missing(id, raw, index).IsZero() {
				continue
			}
			switch err := s.keepMissing(ctx, id, index); {
			case ctx.Err() != nil, errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrUnavailable):
				return err
			case err != nil:
				s.tellUnindexed(err)
			}
		}
		if len(page) < unindexedPage {
			return ctx.Err()
		}
	}
}

// index has a hash of each entry of the due index that can be read.
type index struct {
	seed    maphash.Seed
	entries map[uint64]struct{}
}

// hash goes by milliseconds, to which a storage keeps times at least.
func (x index) hash(id string, at time.Time) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	maphash.WriteComparable(&h, at.UnixMilli())
	_, _ = h.WriteString(id) // never fails
	return h.Sum64()
}

func (x index) has(id string, at time.Time) bool {
	_, ok := x.entries[x.hash(id, at)]
	return ok
}

// readIndex reads all of the index once, whatever is damaged in it.
func (s *Store) readIndex(ctx context.Context) (index, error) {
	x := index{seed: maphash.MakeSeed(), entries: map[uint64]struct{}{}}
	end := s.now().AddDate(1000, 0, 0)
	for after := (storage.Due{}); ; sleep(ctx, unindexedPause) {
		page, err := s.backend.Due(ctx, bucketConnections, end, after, unindexedPage)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			return x, err
		}
		for _, e := range page {
			x.entries[x.hash(e.Key.ID, e.At)] = struct{}{}
			after = e
		}
		if len(page) < unindexedPage {
			return x, ctx.Err()
		}
	}
}

// missing returns when a connection is due if the index has not told it, the zero time if it has or there is nothing to tell.
func (s *Store) missing(id ID, raw storage.Record, index index) time.Time {
	p, known := s.Provider(id.Provider)
	if _, kept := s.records.unmoved.wanted(id); kept || !known {
		return time.Time{}
	}
	indexed := !raw.Due.IsZero() && index.has(raw.Key.ID, raw.Due)
	st := s.records.open(id, raw)
	switch {
	case st.damaged != nil, st.NeedsConsent != "":
		return time.Time{}
	case st.Intent != nil: // to be asked about at once
		if due := dueAt(st.record, p); !indexed || due.Before(raw.Due) {
			return due
		}
		return time.Time{}
	case indexed, s.idle(st, p, s.now()):
		return time.Time{}
	case raw.Due.IsZero(): // there was no place for it in the index, or it waits for nothing
		return dueAt(st.record, p)
	}
	return raw.Due
}

// keepMissing looks at a connection again, with its lease, since it may have been moved meanwhile, and keeps when it is due. One whose
// flight is under way tells by itself when it is due.
func (s *Store) keepMissing(ctx context.Context, id ID, index index) error {
	if s.flights.has(id) {
		return nil
	}
	return s.withLease(ctx, id, func(ctx context.Context) error {
		raw, err := s.backend.Get(ctx, connectionKey(id))
		if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrDamaged) {
			return nil
		}
		if err != nil {
			return err
		}
		due := s.missing(id, raw, index)
		// One that was moved since the index was read is there, though that does not know it.
		if due.IsZero() || s.isIndexed(ctx, raw) && due.Equal(raw.Due) {
			return nil
		}
		s.records.unmoved.keep(id, due)
		s.schedule.lookAt(due)
		s.schedule.wake()
		return nil
	})
}

// unindexedNear is how many entries are looked at for that of one record.
const unindexedNear = 64

// isIndexed reports whether the entry of a record can be found now.
func (s *Store) isIndexed(ctx context.Context, raw storage.Record) bool {
	from := storage.Due{At: raw.Due.Add(-time.Millisecond), Key: storage.Key{Bucket: bucketConnections, ID: "\xff"}}
	// What cannot be read near it is passed over.
	near, _ := s.backend.Due(ctx, bucketConnections, raw.Due.Add(time.Millisecond), from, unindexedNear)
	for _, e := range near {
		if e.Key.ID == raw.Key.ID {
			return true
		}
	}
	return false
}
