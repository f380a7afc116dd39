package custody

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// ChangeKey makes next the encryption key of a database that had former. It writes a new file, which takes the place of the
// one before when it is complete: nothing in it opens with the former key, as pages that are free in the one before might. After a
// crash the database opens with one of the two keys, and ChangeKey with the same keys can be called again. Backups that were
// made before open with the former key. The error wraps storage.ErrLocked if a store has the database
// open, and seal.ErrWrongKey, with the database untouched, if former is not its key.
func ChangeKey(ctx context.Context, database string, former, next seal.Key) error {
	if err := mustExist(database); err != nil {
		return err
	}
	if err := changeKey(ctx, database, former, next); err != nil {
		return fmt.Errorf("change the encryption key of %s: %w", database, err)
	}
	return nil
}

// CheckKey returns the error that [ChangeKey] would return because of the database or the former key.
func CheckKey(ctx context.Context, database string, former seal.Key) (err error) {
	if err := mustExist(database); err != nil {
		return err
	}
	s, err := bolt.Open(database, bolt.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	_, err = seal.OpenExisting(ctx, s, former, tokenstore.SealedBuckets()...)
	return err
}

func changeKey(ctx context.Context, database string, former, next seal.Key) (err error) {
	s, err := bolt.Open(database, bolt.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o := &overlay{Backend: s}
	sealer, err := seal.OpenExisting(ctx, o, former, tokenstore.SealedBuckets()...)
	if errors.Is(err, seal.ErrWrongKey) {
		if _, again := seal.OpenExisting(ctx, s, next, tokenstore.SealedBuckets()...); again == nil {
			return nil // an earlier call did it
		}
	}
	if err == nil {
		err = sealer.Rewrap(ctx, next)
	}
	if err != nil {
		return err
	}
	d, err := newDraft(s.Path())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	if err := d.ownedAs(s.Path()); err != nil {
		return err
	}
	if _, err := fill(ctx, d, s, nil, o.changes); err != nil {
		return err
	}
	if err := letGo(s.Close); err != nil {
		return err
	}
	return d.succeed()
}
