package seal

import (
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// AddPrimary adds a new key to the keyset, under which everything is sealed from
// now on. Records under older keys stay readable; [Sealer.Reseal] seals them
// anew.
//
// The key is durable before it is used. If the outcome of the write is not known
// the key is not used; should it have been stored, the next Reload finds it.
func (s *Sealer) AddPrimary(ctx context.Context) error {
	return s.change(ctx, func(current *keyring) (*keyset.Handle, error) { return current.withPrimary() })
}

// Rewrap wraps the keyset with another key-encryption key. No record is
// touched. From then on, Open needs the new key. If the outcome is not known,
// Rewrap with the same key again settles it, whatever it was.
func (s *Sealer) Rewrap(ctx context.Context, kek Key) error {
	if kek.IsZero() {
		return fmt.Errorf("rewrap keyset: %w: there is none; %s", ErrInvalidKey, remedy)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ring, err := s.load(ctx, s.kek)
	if errors.Is(err, ErrWrongKey) {
		// An earlier attempt may have been stored though it did not say so. If it
		// was not, the error below is still about the key in use.
		if rewrapped, rewrappedErr := s.load(ctx, kek); rewrappedErr == nil {
			s.kek = kek
			s.use(rewrapped)
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("rewrap keyset: %w", err)
	}
	if err := s.save(ctx, kek, ring.handle, ring.at); err != nil {
		return fmt.Errorf("rewrap keyset: %w", err)
	}
	s.kek = kek
	return nil
}

// change replaces the stored keyset by what edit makes of it, then uses it. If
// another process changes it at the same time, edit is asked again.
func (s *Sealer) change(ctx context.Context, edit func(*keyring) (*keyset.Handle, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		current, err := s.load(ctx, s.kek)
		if err != nil {
			return err
		}
		handle, err := edit(current)
		if err != nil {
			return err
		}
		err = s.save(ctx, s.kek, handle, current.at)
		if !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}
