package tokenstore

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// saverTick is how often the storage is asked to take what it refused.
const saverTick = time.Second

// runSaver retries what could not be saved, until it is. It sleeps while there is
// nothing unsaved.
func (s *Store) runSaver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.records.refused:
		}
		for len(s.records.unsavedIDs()) > 0 && ctx.Err() == nil {
			sleep(ctx, saverTick)
			// The error has been told when the record was first refused.
			_ = s.saveUnsaved(ctx)
		}
	}
}

// saveUnsaved tries once to save each unsaved record that no flight works on: a
// flight does it itself.
func (s *Store) saveUnsaved(ctx context.Context) error {
	var errs []error
	for _, id := range s.records.unsavedIDs() {
		fl, own, err := s.flights.join(id, job{alone: true, run: func(ctx context.Context) (*Token, error) {
			return nil, s.saveOne(ctx, id)
		}})
		if err != nil || !own {
			continue
		}
		if _, err := fl.wait(ctx); err != nil {
			errs = append(errs, err)
			if errors.Is(err, storage.ErrUnavailable) {
				break // it refuses the others too
			}
		}
	}
	return errors.Join(errs...)
}

// saveLast is saveUnsaved for a store that lets no flight start any more.
func (s *Store) saveLast() error {
	ctx, cancel := context.WithTimeout(context.Background(), commitDeadline)
	defer cancel()
	var errs []error
	for _, id := range s.records.unsavedIDs() {
		errs = append(errs, s.saveOne(ctx, id))
	}
	return errors.Join(errs...)
}

func (s *Store) saveOne(ctx context.Context, id ID) error {
	lease, err := s.backend.Lease(ctx, connectionKey(id))
	if err != nil {
		return err
	}
	defer lease.Release()
	return s.saveKept(ctx, id)
}

// saveKept saves what is unsaved of id, if anything. The caller holds the lease.
func (s *Store) saveKept(ctx context.Context, id ID) error {
	st := s.records.kept(id)
	if st == nil {
		return nil
	}
	if err := s.commitOver(ctx, st); err != nil {
		return err
	}
	if t := st.token(id); t != nil {
		s.published.set(t, st.revision)
	}
	s.observer().Unsaved(UnsavedEvent{ID: id, Total: len(s.records.unsavedIDs())})
	return nil
}
