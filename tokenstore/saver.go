package tokenstore

import (
	"context"
	"errors"
	"time"
)

// saverTick is how often the storage is asked to take what it refused.
const saverTick = time.Second

// runSaver retries what could not be saved, until it is. It costs nothing
// while there is nothing unsaved but a look each second.
func (s *Store) runSaver(ctx context.Context) {
	ticker := time.NewTicker(saverTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			// The error has been told when the record was first refused.
			_ = s.saveUnsaved(ctx)
		}
	}
}

// saveUnsaved tries once to save each unsaved record.
func (s *Store) saveUnsaved(ctx context.Context) error {
	var errs []error
	for _, id := range s.records.unsavedIDs() {
		if s.flights.has(id) {
			continue // the flight saves it before it does anything else
		}
		if err := s.saveOne(ctx, id); err != nil {
			errs = append(errs, err)
			break // one refusal speaks for all
		}
	}
	return errors.Join(errs...)
}

func (s *Store) saveOne(ctx context.Context, id ID) error {
	lease, err := s.backend.Lease(ctx, connectionKey(id))
	if err != nil {
		return err
	}
	defer lease.Release()
	if !s.records.isUnsaved(id) {
		return nil
	}
	st, err := s.records.load(ctx, id)
	if err != nil {
		return err
	}
	if err := s.commit(ctx, st); err != nil {
		return err
	}
	if t := st.token(id); t != nil {
		s.published.set(t, st.revision)
	}
	s.observer().Unsaved(UnsavedEvent{ID: id, Total: len(s.records.unsavedIDs())})
	return nil
}
