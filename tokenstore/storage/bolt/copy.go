package bolt

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// CopyTo makes a database of the empty file at path that has all records, with the changes, which it gives new revisions, in
// place of those of the same keys. It is written record by record: what was deleted or replaced, and may still be in free pages of
// this file, is not in the copy. It returns what this file has. The copy is durable when it returns no
// error, and of no use if it does. Progress may be nil; it is told how many bytes are copied, and must not block.
//
// The error wraps [storage.ErrDamaged] if this file cannot be read to its end, or was built and has not the
// records that were written into it then.
func (s *Store) CopyTo(ctx context.Context, path string, progress func(bytes int64), changes ...storage.Record) (storage.Content, error) {
	content, _, err := s.copyTo(ctx, path, os.OpenFile, progress, changes)
	if err != nil {
		return storage.Content{}, fmt.Errorf("copy token database %s: %w", s.path, err)
	}
	return content, nil
}

func (s *Store) copyTo(ctx context.Context, path string, openFile func(string, int, os.FileMode) (*os.File, error),
	progress func(int64), changes []storage.Record,
) (content storage.Content, size int64, err error) {
	b, err := newBuilder(path, openFile)
	if err != nil {
		return content, 0, unavailable("make the copy", err)
	}
	defer b.abandon()
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		content, size, err = b.copyAll(func() error { return s.ready(ctx) }, tx, progress, changes)
		return err
	})
	return content, size, err
}

// copyAll writes what a transaction sees, and finishes.
func (b *builder) copyAll(ready func() error, tx *bbolt.Tx, progress func(int64), changes []storage.Record) (storage.Content, int64, error) {
	i, done := newInventory(), int64(0)
	err := eachRecord(tx, func(key storage.Key, raw []byte) error {
		if err := ready(); err != nil {
			return err
		}
		i.note(key, raw)
		if done += int64(len(key.ID) + len(raw)); progress != nil {
			progress(done)
		}
		if slices.ContainsFunc(changes, func(r storage.Record) bool { return r.Key == key }) {
			return nil
		}
		if err := b.add(key, raw); err != nil {
			return cmp.Or(ready(), unavailable("write the copy", err))
		}
		return nil
	})
	if err == nil {
		err = i.check(tx)
	}
	if err != nil {
		return i.content, 0, err
	}
	all, err := mapped(tx).topBucket(recordsBucket)
	if err != nil {
		return i.content, 0, err
	}
	revision := all.sequence
	for _, r := range changes {
		revision++
		if err := b.add(r.Key, encodeRecord(r, revision)); err != nil {
			return i.content, 0, unavailable("write the copy", err)
		}
	}
	size, err := b.finish(revision)
	if err != nil {
		err = unavailable("write the copy", err)
	}
	return i.content, size, err
}
