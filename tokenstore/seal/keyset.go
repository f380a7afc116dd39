package seal

import (
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Reload reads the keyset again, for the case that another process has changed it.
// The keys in use stay as they are if it fails. Its errors are those of
// [Open], and ErrKeysetMissing whether there are records or not.
func (s *Sealer) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ring, err := s.load(ctx, s.kek)
	if err != nil {
		return err
	}
	s.use(ring)
	return nil
}

// load reads the stored keyset without using it. The caller holds mu.
func (s *Sealer) load(ctx context.Context, kek Key) (*keyring, error) {
	at, err := readCopies(ctx, s.backend)
	if err != nil {
		return nil, fmt.Errorf("read keyset: %w", err)
	}
	var handle *keyset.Handle
	err = at.believe(func(wrapped []byte) (err error) {
		handle, err = unwrapKeyset(wrapped, kek)
		return err
	})
	if errors.Is(err, ErrKeysetMissing) {
		err = fmt.Errorf("%w; restore a backup", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read keyset: %w", err)
	}
	if err := at.damage(); err != nil {
		s.damage = err
	}
	return newKeyring(handle, at)
}

// Mend makes both stored copies of the keyset the one that is in use. It writes nothing if they are; in a storage
// of an earlier release, it adds the second one.
func (s *Sealer) Mend(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.ring.Load().at
	if err := at.write(ctx, s.backend, at.believed); err != nil {
		return fmt.Errorf("mend keyset: %w", err)
	}
	return nil
}

// Damage returns what was found to be wrong with one of the two stored copies of the keyset, or with mending it, since
// the last call; nil if nothing was.
func (s *Sealer) Damage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.damage
	s.damage = nil
	return err
}

func (s *Sealer) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damage = errors.Join(s.damage, err)
}

// use makes ring the one for Seal and Open. The caller holds mu.
func (s *Sealer) use(ring *keyring) { s.ring.Store(ring) }

// create stores a new keyset unless there are records, or somebody else's
// keyset.
func (s *Sealer) create(ctx context.Context) error {
	for _, bucket := range s.buckets {
		records, err := s.backend.List(ctx, bucket, "", "", 1)
		if err != nil {
			return fmt.Errorf("look for records before making a keyset: %w", err)
		}
		if len(records) > 0 {
			// Another process may have made the keyset and these records since
			// we looked; if it has not, this says that the keyset is missing.
			return s.Reload(ctx)
		}
	}
	handle, err := newKeyset()
	if err != nil {
		return err
	}
	s.mu.Lock()
	err = s.save(ctx, s.kek, handle, noCopies())
	s.mu.Unlock()
	if errors.Is(err, storage.ErrConflict) {
		return s.Reload(ctx) // another process was first; its keys are as good
	}
	return err
}

// save stores a keyset and, when it is durable, uses it. The caller holds mu.
func (s *Sealer) save(ctx context.Context, kek Key, handle *keyset.Handle, at copies) error {
	value, err := wrapKeyset(handle, kek)
	if err != nil {
		return err
	}
	if err := at.write(ctx, s.backend, value); err != nil {
		return err
	}
	ring, err := newKeyring(handle, at)
	if err != nil {
		return err
	}
	s.use(ring)
	return nil
}
