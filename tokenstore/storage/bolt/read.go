package bolt

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	err := s.viewProving(ctx, func(m mapping, now *paths) error {
		e, err := m.record(key)
		if err != nil {
			return err
		}
		var ok bool
		if r, ok = decodeRecord(key, e.value); !ok {
			return storage.ErrDamaged
		}
		r.Unwritable = e.bucket
		r.Doubtful = !now.proves(key, e.value)
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
// Of a page that is damaged it returns the records whose checksum is right.
func (s *Store) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	records := make([]storage.Record, 0, max(0, min(limit, maxPage)))
	err := s.viewProving(ctx, func(m mapping, now *paths) error {
		records = records[:0]
		b, err := m.nested(recordsBucket, bucket)
		if errors.Is(err, storage.ErrNotFound) || limit <= 0 {
			return nil
		}
		if err != nil {
			return err
		}
		list := scan{mapping: m, last: []byte(after)}
		leaves := proven{paths: now}
		list.may = func(l leaf, e element) bool {
			return string(e.key) >= prefix && (!l.doubtful() || !e.bucket && sound(storage.Key{Bucket: bucket, ID: string(e.key)}, e.value))
		}
		list.visit = func(l leaf, e element) (more bool) {
			if !strings.HasPrefix(string(e.key), prefix) {
				return l.doubtful() // then this key may not be in its place
			}
			key := storage.Key{Bucket: bucket, ID: string(e.key)}
			raw, sure := leaves.now(l, key, e.value)
			r, ok := decodeRecord(key, raw)
			if !ok {
				r = storage.Record{Key: r.Key}
			}
			r.Unwritable = e.bucket
			r.Doubtful = ok && !sure
			records = append(records, r)
			return len(records) < limit
		}
		return list.run(b, []byte(max(prefix, after)))
	})
	if err != nil {
		return records, fmt.Errorf("list %q in bucket %q: %w", prefix, bucket, err)
	}
	return records, nil
}

// view runs fn in a read-only transaction on the open file.
func (s *Store) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	return s.viewHandle(ctx, func(_ *handle, tx *bbolt.Tx) error { return fn(tx) })
}

func (s *Store) viewHandle(ctx context.Context, fn func(*handle, *bbolt.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	h, err := s.file.handle()
	if err != nil {
		return err
	}
	err = h.view(func(tx *bbolt.Tx) error { return fn(h, tx) })
	// Closed between the two lines above.
	if errors.Is(err, storage.ErrUnavailable) && s.ready(context.Background()) != nil {
		return storage.ErrClosed
	}
	return err
}
