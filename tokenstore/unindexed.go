package tokenstore

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// unindexedPage is how many records are read at once, and unindexedPause lies between two pages: there is no hurry.
	unindexedPage  = 200
	unindexedPause = 10 * time.Millisecond
	// unindexedAgain is how soon all records are looked at again while the due index is damaged.
	unindexedAgain = time.Hour
	// unindexedNear is how many entries are looked at for that of one record. Their times have a precision of a millisecond at least.
	unindexedNear = 256
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
		s.findUnindexed(ctx)
		sleep(ctx, unindexedAgain)
	}
}

// findUnindexed keeps in memory when the connections are due that are not in the index where their records say.
func (s *Store) findUnindexed(ctx context.Context) {
	for after := ""; ctx.Err() == nil; sleep(ctx, unindexedPause) {
		page, err := s.backend.List(ctx, bucketConnections, "", after, unindexedPage)
		for _, raw := range page {
			after = raw.Key.ID
			id, malformed := ParseID(raw.Key.ID)
			if malformed != nil || raw.Value == nil || s.isIndexed(ctx, raw) {
				continue
			}
			// Once more, and with the lease, since it may have been moved meanwhile.
			if err := s.flights.alone(ctx, id, func(ctx context.Context) error { return s.keepDue(ctx, id) }); err != nil {
				s.trouble("looking for what the due index has lost", err)
			}
		}
		if err != nil && ctx.Err() == nil {
			s.trouble("looking for what the due index has lost", err)
		}
		if err != nil || len(page) < unindexedPage {
			return
		}
	}
}

// isIndexed reports whether the entry of a record can be found. One that has no due time has no entry to be found.
func (s *Store) isIndexed(ctx context.Context, raw storage.Record) bool {
	if raw.Due.IsZero() {
		return false
	}
	from := storage.Due{At: raw.Due.Add(-time.Millisecond), Key: storage.Key{Bucket: bucketConnections, ID: "\xff"}}
	// What cannot be read near it is passed over.
	near, _ := s.backend.Due(ctx, bucketConnections, raw.Due.Add(time.Millisecond), from, unindexedNear)
	for _, e := range near {
		if e.Key.ID == raw.Key.ID {
			return true
		}
	}
	return len(near) == unindexedNear // nobody knows; it is found if anybody asks for it
}

// keepDue notes when a connection is due that the index does not have. The caller has its lease to itself.
func (s *Store) keepDue(ctx context.Context, id ID) error {
	lease, err := s.backend.Lease(ctx, connectionKey(id))
	if err != nil {
		return err
	}
	defer lease.Release()
	raw, err := s.backend.Get(ctx, connectionKey(id))
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrDamaged) || err == nil && s.isIndexed(ctx, raw) {
		return nil
	}
	p, known := s.Provider(id.Provider)
	if err != nil || !known {
		return err
	}
	st := s.records.open(id, raw)
	if _, kept := s.records.unmoved.wanted(id); kept || st.damaged != nil {
		return nil
	}
	due := st.due
	if due.IsZero() { // it was saved so because there was no place for it in the index, or waits for nothing
		due = dueAt(st.record, p)
	}
	if due.IsZero() {
		return nil
	}
	s.records.unmoved.keep(id, due)
	s.schedule.lookAt(due)
	s.schedule.wake()
	return nil
}
