package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// rotationParallel is how many records are sealed anew at a time: as many as a
	// transaction of bbolt takes.
	rotationParallel = 256

	// rotationRetry is the wait before a rotation that cannot go on tries again.
	rotationRetry = time.Second

	// retireAttempts is how often a key is looked at again that somebody may be writing with.
	retireAttempts = 30
)

// Rotation tells how far it is to seal every record under a new key.
type Rotation struct {
	// Running is set until it has come to an end, whatever that is.
	Running bool
	// Checked is how many records were looked at, and Resealed how many of those were
	// sealed under an older key. Unreadable are those that cannot be opened; they are left as they are.
	Checked, Resealed, Unreadable int
	// OlderKeys is how many former keys are still kept, since records may need them.
	OlderKeys int
	// Trouble is why it makes no progress at present, nil if it does. If it is set when Running is not, that is why the rotation
	// is not complete; it wraps storage.ErrDamaged where damage keeps records from being found or stored, for which the former keys are kept.
	Trouble error
}

// rotation is the Rotation of a store.
type rotation struct {
	mu  sync.Mutex
	now Rotation // guarded by mu
}

func (r *rotation) change(edit func(*Rotation)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit(&r.now)
}

// Rotation tells how the last rotation went, or how the one under way does.
func (s *Store) Rotation() Rotation {
	s.rotation.mu.Lock()
	defer s.rotation.mu.Unlock()
	now := s.rotation.now
	now.OlderKeys = s.records.sealer.Keys() - 1
	return now
}

// RotateKey makes a new key, under which every record is sealed from now on, and begins to seal those that
// there are anew, in the background; see [Store.Rotation]. Tokens are served and refreshed meanwhile.
// The former keys are dropped when nothing needs them any more. A rotation that is cut short, by
// whatever, goes on with the next Open; damage of the storage that hides records, or does not let them be stored, ends it until then, with the others sealed anew. It returns [ErrRotationRunning] if one is under way, and an
// error that wraps ErrUnavailable if the new key could not be saved.
func (s *Store) RotateKey(ctx context.Context) error {
	if !s.beginRotation() {
		return ErrRotationRunning
	}
	err := s.records.sealer.AddPrimary(ctx)
	if err != nil {
		s.rotation.change(func(r *Rotation) { r.Running, r.Trouble = false, err })
		if errors.Is(err, storage.ErrClosed) {
			return err
		}
		return fmt.Errorf("rotate key: %w", err)
	}
	if !s.inBackground(s.rotate) {
		return ErrClosed
	}
	return nil
}

// beginRotation reports whether there was none.
func (s *Store) beginRotation() (begun bool) {
	s.rotation.change(func(r *Rotation) {
		if begun = !r.Running; begun {
			*r = Rotation{Running: true}
		}
	})
	return begun
}

// resumeRotation goes on with what an earlier process did not finish.
func (s *Store) resumeRotation() {
	if s.records.sealer.Keys() > 1 && s.beginRotation() {
		s.inBackground(s.rotate)
	}
}

// rotate seals all records under the primary key and drops the others. It tries until that is done, cannot be done, or ctx ends.
func (s *Store) rotate(ctx context.Context) {
	defer s.rotation.change(func(r *Rotation) { r.Running = false })
	for {
		err := s.reseal(ctx)
		if err == nil {
			err = s.retire(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		before := s.Rotation().Trouble
		s.rotation.change(func(r *Rotation) { r.Trouble = err })
		if err == nil {
			return
		}
		if before == nil { // a full disk stays full for many attempts
			s.trouble("sealing records under a new key", err)
		}
		if errors.Is(err, storage.ErrDamaged) && !errors.Is(err, storage.ErrUnavailable) {
			return // it does not pass
		}
		sleep(ctx, rotationRetry)
	}
}

func (s *Store) reseal(ctx context.Context) error {
	before := s.Rotation().Resealed // by attempts that failed
	_, err := s.records.sealer.Reseal(ctx, seal.ResealOptions{
		Parallel: rotationParallel,
		Progress: func(p seal.Progress) {
			s.rotation.change(func(r *Rotation) {
				r.Checked, r.Resealed, r.Unreadable = p.Checked, before+p.Resealed, p.Skipped
			})
		},
	})
	return err
}

// retire drops the former keys. Those that a write under way may need are tried again for a while.
func (s *Store) retire(ctx context.Context) error {
	for range retireAttempts {
		result, err := s.records.sealer.Retire(ctx)
		switch {
		case errors.Is(err, storage.ErrConflict):
		case err != nil:
			return err
		case result.Unreadable > 0 || result.Recent+result.InUse == 0:
			return nil
		}
		if sleep(ctx, rotationRetry); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
