package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// writing is a transaction that writes. bbolt must not be asked for anything in it before [paths] has checked the way there.
type writing struct {
	*bbolt.Tx
	paths paths
}

// errChecksum tells a record that is damaged from one that damage keeps from being reached.
var errChecksum = errors.New("its checksum is wrong")

// startWriting looks at what a transaction begins with. If the error wraps errUnwritable, the file can be read only.
func (h *handle) startWriting(tx *bbolt.Tx) (*writing, error) {
	m := mapped(tx)
	meta, ok := m.meta(uint64(tx.ID() - 1)) //nolint:gosec // not negative
	if !ok {
		return nil, unwritable("nothing says in which page it is")
	}
	free, err := m.freed(meta)
	if err == nil && !h.proven {
		if err = checkFreelist(bytes.NewReader(m.data), meta); err == nil {
			h.shared, err = m.checkTrees(meta, free)
		}
		h.proven = err == nil
	}
	if err != nil {
		return nil, err
	}
	return &writing{tx, paths{mapping: m, free: free, shared: h.shared, sound: make(map[uint64]struct{})}}, nil
}

// stored returns the record of key as the transaction has it, or ErrNotFound, or ErrDamaged if it cannot be read or
// not be changed.
func (tx *writing) stored(key storage.Key, remove bool) (storage.Record, error) {
	if err := tx.paths.record(key, remove); err != nil {
		return storage.Record{}, err
	}
	records := tx.Bucket(recordsBucket).Bucket([]byte(key.Bucket))
	if records == nil {
		return storage.Record{}, storage.ErrNotFound
	}
	raw := records.Get([]byte(key.ID))
	if raw == nil {
		return storage.Record{}, storage.ErrNotFound
	}
	r, ok := decodeRecord(key, raw)
	if !ok {
		return storage.Record{}, fmt.Errorf("%w: %w", storage.ErrDamaged, errChecksum)
	}
	return r, nil
}

// dueOf looks for the entry of a damaged record in the due index, and returns its time, the zero time if it has none.
func (tx *writing) dueOf(key storage.Key) (at time.Time, err error) {
	b, err := tx.paths.nested(dueBucket, key.Bucket)
	if errors.Is(err, storage.ErrNotFound) {
		return at, nil
	}
	if err == nil {
		err = tx.paths.ascend(b, nil, func(e element, _ bool) (bool, error) {
			d, ok := decodeDue(key.Bucket, e.key)
			if ok && d.Key == key {
				at = d.At
			}
			return at.IsZero(), nil
		})
	}
	if err != nil {
		return at, fmt.Errorf("%w: %w", storage.ErrDueIndex, err)
	}
	return at, nil
}
