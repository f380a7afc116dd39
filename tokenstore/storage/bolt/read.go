package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// maxPage bounds the records of one answer that are allocated in advance.
const maxPage = 1024

// Get implements [storage.Backend].
func (s *Store) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	if err := checkKey(key); err != nil {
		return storage.Record{}, recordError("get", key, err)
	}
	var r storage.Record
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		raw, err := rawRecord(tx, key)
		if err != nil {
			return err
		}
		var ok bool
		if r, ok = decodeRecord(key, raw); !ok {
			return storage.ErrDamaged
		}
		return nil
	})
	if err != nil {
		return storage.Record{}, recordError("get", key, err)
	}
	return r, nil
}

// List implements [storage.Backend]. A damaged record has the revision 0; see
// [Store.Delete] for how to remove it.
//
// If it meets a page that cannot be read, it returns the records before that
// page beside the error.
func (s *Store) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	records := make([]storage.Record, 0, max(0, min(limit, maxPage)))
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		b, err := nested(tx, recordsBucket, bucket)
		if b == nil {
			return err
		}
		c := b.Cursor()
		for id, raw := seekBehind(c, []byte(prefix), []byte(after)); id != nil && len(records) < limit; id, raw = c.Next() {
			if !strings.HasPrefix(string(id), prefix) {
				break
			}
			r, ok := decodeRecord(storage.Key{Bucket: bucket, ID: string(id)}, raw)
			if n := len(records); n > 0 && records[n-1].Key.ID >= r.Key.ID {
				return fmt.Errorf("%w: ids are out of order", storage.ErrDamaged)
			}
			if !ok {
				r = storage.Record{Key: r.Key}
			}
			records = append(records, r)
		}
		return nil
	})
	if err != nil {
		return records, fmt.Errorf("list %q in bucket %q: %w", prefix, bucket, err)
	}
	return records, nil
}

// Due implements [storage.Backend]. It keeps times with a precision of one
// nanosecond, and returns them in UTC.
func (s *Store) Due(ctx context.Context, bucket string, before time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	var start []byte
	if !after.At.IsZero() || after.Key.ID != "" {
		start = dueKey(after.At, after.Key.ID)
	}
	entries := make([]storage.Due, 0, max(0, min(limit, maxPage)))
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		b, err := nested(tx, dueBucket, bucket)
		if b == nil {
			return err
		}
		c := b.Cursor()
		for key, _ := seekBehind(c, nil, start); key != nil && len(entries) < limit; key, _ = c.Next() {
			d, ok := decodeDue(bucket, key)
			if !ok {
				return fmt.Errorf("%w: an entry of the due index is too short", storage.ErrDamaged)
			}
			if d.At.After(before) {
				break
			}
			entries = append(entries, d)
		}
		return nil
	})
	if err != nil {
		return entries, fmt.Errorf("due in bucket %q: %w", bucket, err)
	}
	return entries, nil
}

// view runs fn in a read-only transaction on the open file.
func (s *Store) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	h, err := s.file.handle()
	if err != nil {
		return err
	}
	err = h.view(fn)
	// Closed between the two lines above.
	if errors.Is(err, storage.ErrUnavailable) && s.ready(context.Background()) != nil {
		return storage.ErrClosed
	}
	return err
}

// nested returns the bucket of that name in a top-level bucket, or nil if
// nothing was ever stored in it.
func nested(tx *bbolt.Tx, top []byte, name string) (*bbolt.Bucket, error) {
	b := tx.Bucket(top)
	if b == nil {
		return nil, fmt.Errorf("%w: bucket %q of the file is missing", storage.ErrDamaged, top)
	}
	if name == "" {
		return nil, nil // bbolt would take any bucket for it
	}
	return b.Bucket([]byte(name)), nil
}

// rawRecord returns what is stored under the key. It is valid until the
// transaction ends.
func rawRecord(tx *bbolt.Tx, key storage.Key) ([]byte, error) {
	b, err := nested(tx, recordsBucket, key.Bucket)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, storage.ErrNotFound
	}
	c := b.Cursor()
	id, raw := c.Seek([]byte(key.ID))
	if string(id) != key.ID {
		return nil, storage.ErrNotFound
	}
	return raw, nil
}

// seekBehind moves c to the first key that is not less than prefix and greater
// than after. An empty after is less than all keys.
func seekBehind(c *bbolt.Cursor, prefix, after []byte) (key, value []byte) {
	if bytes.Compare(after, prefix) < 0 || len(after) == 0 {
		return c.Seek(prefix)
	}
	key, value = c.Seek(after)
	if bytes.Equal(key, after) {
		key, value = c.Next()
	}
	return key, value
}
