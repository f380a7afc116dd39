package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
	passed  int   // what was passed over
	damage  error // the first of it
}

func (d *dueScan) run(m mapping, b bucket) error {
	w := walk{mapping: m, from: d.last, damage: d.passOver}
	w.leaf = func(l leaf) bool { return d.leaf(m, l) }
	w.run(b)
	if d.passed > 1 {
		return fmt.Errorf("%w (and %d more)", d.damage, d.passed-1)
	}
	return d.damage
}

func (d *dueScan) passOver(err error) (more bool) {
	if d.damage == nil {
		d.damage = err
	}
	d.passed++
	return true
}

// leaf takes the entries of a leaf that are due and behind the last one.
func (d *dueScan) leaf(m mapping, l leaf) (more bool) {
	keys := make([][]byte, 0, l.count())
	n := l.count()
	if l.err != nil {
		d.passOver(l.err)
		n = l.elements(int64(m.each))
	}
	for i := range n {
		e, ok := l.leaf(i)
		if !ok {
			continue // which is why the page is not sound
		}
		if !isEntry(e) {
			d.passOver(pageError(l.at.id, "has an entry of the due index that cannot be one"))
			continue
		}
		keys = append(keys, e.key)
	}
	if l.err != nil || l.limit != nil {
		keys = inOrder(l.within(keys))
	}
	for _, key := range keys {
		if string(key) <= string(d.last) {
			continue
		}
		entry, _ := decodeDue(d.bucket, key)
		if entry.At.After(d.before) {
			return false
		}
		d.entries, d.last = append(d.entries, entry), key
		if len(d.entries) >= d.limit {
			return false
		}
	}
	return true
}

// isEntry tells what may be one of the index from what cannot be.
func isEntry(e element) bool {
	return !e.bucket && len(e.value) == 0 && len(e.key) > dueLen && binary.BigEndian.Uint32(e.key[8:]) < uint32(time.Second)
}

// within leaves out the keys that cannot be in that page.
func (l leaf) within(keys [][]byte) (in [][]byte) {
	least := []byte(nil)
	if len(keys) > 0 && string(keys[0]) == string(l.at.first) {
		least = keys[0] // two witnesses
	}
	for _, key := range keys {
		if string(key) >= string(least) && (l.limit == nil || string(key) < string(l.limit)) {
			in = append(in, key)
		}
	}
	return in
}

// inOrder returns the keys without those that are out of order, so that one of these hides none of the others. Where two have
// changed their places, nobody knows which one is wrong, and both stay. What is returned is in order.
func inOrder(keys [][]byte) [][]byte {
	before := rows(keys, bytes.Compare)
	reversed := slices.Clone(keys)
	slices.Reverse(reversed)
	after := rows(reversed, func(a, b []byte) int { return bytes.Compare(b, a) })
	longest := 0
	for _, n := range before {
		longest = max(longest, n)
	}
	var in [][]byte
	for i, key := range keys {
		if before[i]+after[len(keys)-1-i] == longest+1 { // it is in one of the longest rows
			in = append(in, key)
		}
	}
	slices.SortFunc(in, bytes.Compare)
	return in
}

// rows returns how many keys at most are in order, of those up to each, which is the last of them.
func rows(keys [][]byte, compare func(a, b []byte) int) []int {
	lengths := make([]int, len(keys))
	var ends [][]byte // the least that ends a row, by its length less one
	for i, key := range keys {
		n, _ := slices.BinarySearchFunc(ends, key, compare)
		if n == len(ends) {
			ends = append(ends, nil)
		}
		ends[n], lengths[i] = key, n+1
	}
	return lengths
}
