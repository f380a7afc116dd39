package custody

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// ChangeKey makes next the encryption key of a database that had former. It is one write: after a crash the
// database opens with one of them, and ChangeKey with the same keys can be called again. Backups that were made
// before open with the former key. The error wraps storage.ErrLocked if a store has the database open, and
// seal.ErrWrongKey, with the database untouched, if former is not its key.
func ChangeKey(ctx context.Context, database string, former, next seal.Key) (err error) {
	if err := mustExist(database); err != nil {
		return err
	}
	s, err := bolt.Open(database, bolt.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	sealer, err := seal.OpenExisting(ctx, s, former, tokenstore.SealedBuckets()...)
	if errors.Is(err, seal.ErrWrongKey) {
		if _, again := seal.OpenExisting(ctx, s, next, tokenstore.SealedBuckets()...); again == nil {
			return nil // an earlier call did it
		}
	}
	if err == nil {
		err = sealer.Rewrap(ctx, next)
	}
	if err != nil {
		return fmt.Errorf("change the encryption key of %s: %w", database, err)
	}
	return nil
}
