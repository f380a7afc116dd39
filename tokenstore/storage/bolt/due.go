package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Due implements [storage.Backend]. It keeps times with a precision of one
// nanosecond, and returns them in UTC.
func (s *Store) Due(ctx context.Context, bucket string, before time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	scan := dueScan{bucket: bucket, before: before, limit: limit}
	scan.entries = make([]storage.Due, 0, max(0, min(limit, 16))) // most of the time there are few
	if !after.At.IsZero() || after.Key.ID != "" {
		scan.last = dueKey(after.At, after.Key.ID)
	}
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		m := mapped(tx)
		b, err := m.nested(dueBucket, bucket)
		if errors.Is(err, storage.ErrNotFound) || limit <= 0 {
			return nil
		}
		if err == nil {
			err = scan.run(m, b)
		}
		return err
	})
	if err != nil {
		return scan.entries, fmt.Errorf("due in bucket %q: %w", bucket, err)
	}
	return scan.entries, nil
}

// dueScan reads the due index, and goes on behind what is damaged.
type dueScan struct {
	bucket string
	before time.Time
	limit  int

	last    []byte // key of the last entry
	entries []storage.Due
}

func (d *dueScan) run(m mapping, b bucket) error {
	s := scan{mapping: m, last: d.last}
	s.may = func(l leaf, e element) bool {
		if !isEntry(e) {
			s.passOver(pageError(l.at.id, "has an entry of the due index that cannot be one"))
			return false
		}
		return true
	}
	s.visit = func(_ leaf, e element) (more bool) {
		entry, _ := decodeDue(d.bucket, e.key)
		if entry.At.After(d.before) {
			return false
		}
		d.entries = append(d.entries, entry)
		return len(d.entries) < d.limit
	}
	return s.run(b, d.last)
}

// isEntry tells what may be one of the index from what cannot be.
func isEntry(e element) bool {
	return !e.bucket && len(e.value) == 0 && len(e.key) > dueLen && binary.BigEndian.Uint32(e.key[8:]) < uint32(time.Second)
}
