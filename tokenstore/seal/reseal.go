package seal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// pageSize is how many records a walk holds in memory at once.
	pageSize = 256

	// maxProblems bounds what a walk remembers of the records it skipped.
	maxProblems = 20

	// maxAttempts is how often a record that keeps changing is read again.
	maxAttempts = 8
)

// Progress is what a walk over the records has done, also if it ended early.
type Progress struct {
	Checked  int // records looked at
	Resealed int // of those, sealed anew
	Skipped  int // of those, left as they are since they cannot be opened

	// Problems says why records were skipped, each with bucket and id. It
	// has the first 20 only.
	Problems []error
}

// ResealOptions are the settings of [Sealer.Reseal]. The zero value is ready to use.
type ResealOptions struct {
	// Parallel is how many records are stored at a time, so that a backend can make them durable
	// together; one by one if it is less than 2.
	Parallel int

	// Progress, if not nil, is told now and then how far it is. It must not block.
	Progress func(Progress)
}

// errRefused tells that damage does not let a record be stored from damage of the record itself.
var errRefused = errors.New("it could not be stored")

func (p *Progress) skip(err error) {
	p.Skipped++
	if len(p.Problems) < maxProblems {
		p.Problems = append(p.Problems, err)
	}
}

// Reseal seals every record that is sealed under an older key anew under the
// primary, keeping its generation and due time. A record that cannot be
// opened is reported and left as it is.
//
// It decides by what it finds in each record, so after an error or a crash it
// is simply called again. It may run while records are read and written:
// a record that somebody else changes meanwhile is read again, never
// overwritten. It holds the lease of a record while it changes it, so that who
// holds leases to change records is not disturbed. An error is of the backend, or of reading the keyset. Where damage keeps
// records from being found, or from being stored, the others are sealed anew all the same, and then the error wraps storage.ErrDamaged.
func (s *Sealer) Reseal(ctx context.Context, o ResealOptions) (Progress, error) {
	var progress Progress
	if err := s.Reload(ctx); err != nil {
		return progress, fmt.Errorf("reseal: %w", err)
	}
	refused := refusals{}
	err := s.pages(ctx, func(page []storage.Record) error {
		err := s.resealPage(ctx, page, max(1, o.Parallel), &progress, &refused)
		if o.Progress != nil {
			o.Progress(progress)
		}
		return err
	})
	if err = cmp.Or(err, refused.err()); err != nil {
		return progress, fmt.Errorf("reseal: %w", err)
	}
	return progress, nil
}

// refusals counts the records that damage does not let be stored.
type refusals struct {
	count int
	first error
}

func (r *refusals) add(err error) {
	r.count++
	r.first = cmp.Or(r.first, err)
}

func (r *refusals) err() error {
	if r.count > 1 {
		return fmt.Errorf("%w (and %d more)", r.first, r.count-1)
	}
	return r.first
}

// resealPage reseals records, some at a time.
func (s *Sealer) resealPage(ctx context.Context, page []storage.Record, parallel int, progress *Progress, refused *refusals) error {
	type outcome struct {
		resealed bool
		err      error
	}
	outcomes := make([]outcome, len(page))
	slots := make(chan struct{}, parallel)
	var workers sync.WaitGroup
	for i, record := range page {
		slots <- struct{}{}
		workers.Go(func() {
			defer func() { <-slots }()
			outcomes[i].resealed, outcomes[i].err = s.resealRecord(ctx, record)
		})
	}
	workers.Wait()
	for _, o := range outcomes {
		progress.Checked++
		switch {
		case errors.Is(o.err, errRefused):
			refused.add(o.err)
		case errors.Is(o.err, storage.ErrDamaged), errors.Is(o.err, ErrNewerFormat), errors.Is(o.err, storage.ErrConflict):
			progress.skip(o.err)
		case o.err != nil:
			return o.err
		case o.resealed:
			progress.Resealed++
		}
	}
	return nil
}

// walk calls visit for every record of the sealed buckets.
func (s *Sealer) walk(ctx context.Context, visit func(storage.Record) error) error {
	return s.pages(ctx, func(page []storage.Record) error {
		for _, record := range page {
			if err := visit(record); err != nil {
				return err
			}
		}
		return nil
	})
}

// pages calls visit for the records of the sealed buckets, page by page. No
// cursor is open between pages, so the backend may be written to. Damage that keeps records from being found is passed
// over, and returned when all the others were visited.
func (s *Sealer) pages(ctx context.Context, visit func([]storage.Record) error) error {
	var damage error
	for _, bucket := range s.buckets {
		for after := ""; ; {
			page, err := s.backend.List(ctx, bucket, "", after, pageSize)
			if err != nil {
				err = fmt.Errorf("list bucket %q: %w", bucket, err)
				if !errors.Is(err, storage.ErrDamaged) {
					return err
				}
				damage = cmp.Or(damage, err)
			}
			if err := visit(page); err != nil {
				return err
			}
			if len(page) < pageSize {
				break
			}
			after = page[len(page)-1].Key.ID
		}
	}
	return damage
}

// resealRecord seals one record anew if it must be. It reports false if the
// record needs nothing, or is gone.
func (s *Sealer) resealRecord(ctx context.Context, record storage.Record) (bool, error) {
	if s.ring.Load().isPrimary(record.Value) {
		return false, nil
	}
	key := record.Key
	lease, err := s.backend.Lease(ctx, key)
	if err != nil {
		return false, fmt.Errorf("lease %q in bucket %q: %w", key.ID, key.Bucket, err)
	}
	defer lease.Release()
	for range maxAttempts {
		ring := s.ring.Load()
		if ring.isPrimary(record.Value) {
			return false, nil
		}
		err := s.resealOnce(ctx, ring, record)
		if !errors.Is(err, storage.ErrConflict) {
			return err == nil, err
		}
		record, err = s.backend.Get(ctx, key)
		if errors.Is(err, storage.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %q in bucket %q: %w", key.ID, key.Bucket, err)
		}
	}
	return false, fmt.Errorf("%q in bucket %q keeps changing: %w", key.ID, key.Bucket, storage.ErrConflict)
}

func (s *Sealer) resealOnce(ctx context.Context, ring *keyring, record storage.Record) error {
	key := record.Key
	plaintext, generation, err := ring.open(key.Bucket, key.ID, record.Value)
	if errors.Is(err, ErrUnknownKey) {
		// Another process may have rotated since the walk began.
		if err := s.Reload(ctx); err != nil {
			return err
		}
		ring = s.ring.Load()
		plaintext, generation, err = ring.open(key.Bucket, key.ID, record.Value)
	}
	if err != nil {
		return err
	}
	_, err = s.Put(ctx, Binding{key.Bucket, key.ID, generation}, plaintext, record.Due, record.Revision)
	if errors.Is(err, storage.ErrDamaged) {
		err = fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil {
		return fmt.Errorf("store %q in bucket %q: %w", key.ID, key.Bucket, err)
	}
	return nil
}

// isPrimary reports whether a record claims to be sealed under the primary.
func (r *keyring) isPrimary(sealed []byte) bool {
	h, _, err := parseHeader(sealed)
	return err == nil && h.version == formatVersion && h.keyID == r.primary
}
