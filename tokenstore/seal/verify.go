package seal

import (
	"context"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// OpenExisting is [Open] for a backend that must have a keyset: it makes none, and writes nothing. Without
// one it returns an error that wraps [ErrKeysetMissing].
func OpenExisting(ctx context.Context, backend storage.Backend, kek Key, buckets ...string) (*Sealer, error) {
	s, err := newSealer(backend, kek, buckets)
	if err != nil {
		return nil, err
	}
	if err := s.Reload(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Verify opens every record of the sealed buckets, and changes none. Progress tells how many there are,
// and which cannot be opened. Where damage keeps records from being found, the others are opened all the same, and then the error wraps
// storage.ErrDamaged.
func (s *Sealer) Verify(ctx context.Context) (Progress, error) {
	var progress Progress
	err := s.walk(ctx, func(r storage.Record) error {
		progress.Checked++
		if r.Value == nil {
			progress.skip(fmt.Errorf("open %q in bucket %q: %w", r.Key.ID, r.Key.Bucket, storage.ErrDamaged))
		} else if _, _, err := s.Open(r.Key.Bucket, r.Key.ID, r.Value); err != nil {
			progress.skip(err)
		}
		return ctx.Err()
	})
	if err != nil {
		return progress, fmt.Errorf("verify records: %w", err)
	}
	return progress, nil
}

// StoredFingerprint returns the fingerprint of the key that the backend's keyset is wrapped with, which
// can be told without it. Its errors are those of [OpenExisting] that do not need the key.
func StoredFingerprint(ctx context.Context, backend storage.Backend) (string, error) {
	at, err := readCopies(ctx, backend)
	if err != nil {
		return "", fmt.Errorf("read keyset: %w", err)
	}
	var check []byte
	err = at.believe(func(wrapped []byte) (err error) {
		check, _, err = parseWrapped(wrapped)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read keyset: %w", err)
	}
	return fingerprint(check), nil
}
