package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Where a backend keeps the wrapped keyset, and where once more, so that one damaged record does not lose all the others.
const (
	MetaBucket  = "meta"
	SpareBucket = "keyset"
	KeysetID    = "keyset"
)

var (
	keysetKey = storage.Key{Bucket: MetaBucket, ID: KeysetID}
	spareKey  = storage.Key{Bucket: SpareBucket, ID: KeysetID}
)

// KeysetKeys returns where the keyset is: the key of the first copy, and that of the second.
func KeysetKeys() (first, second storage.Key) { return keysetKey, spareKey }

// spareSize is how long the second copy is made. bbolt keeps a bucket that is smaller than a quarter of a page, of at most
// 64 KiB, in the page of the bucket above; there it could be beside the first copy, and be damaged with it.
const spareSize = 16 << 10

// slot is a place of the keyset, as it was found.
type slot struct {
	key      storage.Key
	revision uint64 // 0 if there is no record that can be read
	value    []byte // the wrapped keyset
	err      error  // why the value is of no use: it wraps ErrKeysetMissing or storage.ErrDamaged
}

// copies are the two places of the keyset.
//
// Both are written before a key is used, the spare one first, and no key is dropped before no record needs it. So
// whatever dies between the two writes, each has every key in use, and it does not matter for the records
// which one is believed. It is the first one, so that a change has happened when that is written, and not before.
type copies struct {
	main, spare slot
	believed    []byte // the value of one of them
}

func noCopies() copies { return copies{main: slot{key: keysetKey}, spare: slot{key: spareKey}} }

// readCopies returns what the backend has. Damage is no error here.
func readCopies(ctx context.Context, backend storage.Backend) (copies, error) {
	c := noCopies()
	for _, s := range []*slot{&c.main, &c.spare} {
		if err := s.read(ctx, backend); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (s *slot) read(ctx context.Context, backend storage.Backend) error {
	record, err := backend.Get(ctx, s.key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		s.err = ErrKeysetMissing
		return nil
	case errors.Is(err, storage.ErrDamaged):
		s.err = err
		return nil
	case err != nil:
		return err
	}
	s.revision, s.value = record.Revision, record.Value
	if s.key == spareKey {
		s.value, s.err = unpad(record.Value)
	}
	if _, _, err := parseWrapped(s.value); s.err == nil && errors.Is(err, storage.ErrDamaged) {
		s.err = err
	}
	return nil
}

// believe gives the first copy to open, or the spare one if the first is damaged or missing. A copy that is sound, and
// wrapped by another key, is the error of that.
func (c *copies) believe(open func(wrapped []byte) error) error {
	err := c.main.open(open)
	if err == nil || !lost(err) {
		c.believed = c.main.value
		return err
	}
	c.main.err = err
	spareErr := c.spare.open(open)
	if spareErr != nil && lost(spareErr) && !errors.Is(err, ErrKeysetMissing) {
		return err
	}
	c.believed = c.spare.value
	return spareErr
}

func (s *slot) open(open func(wrapped []byte) error) error {
	if s.err != nil {
		return s.err
	}
	return open(s.value)
}

// same reports whether nothing was written between two readings.
func (c *copies) same(other copies) bool {
	return c.main.revision == other.main.revision && c.spare.revision == other.spare.revision
}

func lost(err error) bool {
	return errors.Is(err, storage.ErrDamaged) || errors.Is(err, ErrKeysetMissing)
}

// damage returns what is wrong with a copy, nil if nothing is. A database of an earlier release has no spare one.
func (c *copies) damage() error {
	var problems []error
	if c.main.err != nil {
		problems = append(problems, fmt.Errorf("the first copy of the keyset: %w", c.main.err))
	}
	if errors.Is(c.spare.err, storage.ErrDamaged) {
		problems = append(problems, fmt.Errorf("the second copy of the keyset: %w", c.spare.err))
	}
	return errors.Join(problems...)
}

// write stores a keyset in both places, where it is not there yet.
func (c *copies) write(ctx context.Context, backend storage.Backend, value []byte) error {
	for _, s := range []*slot{&c.spare, &c.main} {
		if s.err == nil && bytes.Equal(s.value, value) {
			continue
		}
		if err := s.write(ctx, backend, value); err != nil {
			return fmt.Errorf("store keyset: %w", err)
		}
	}
	c.believed = value
	return c.rewriteSpare(ctx, backend, value)
}

// rewriteSpare writes the second copy again if somebody else, who believed the first one as it was, has mended it
// between the two writes.
func (c *copies) rewriteSpare(ctx context.Context, backend storage.Backend, value []byte) error {
	found := slot{key: spareKey}
	if err := found.read(ctx, backend); err != nil {
		return fmt.Errorf("read keyset: %w", err)
	}
	if found.revision == c.spare.revision {
		return nil
	}
	c.spare = found
	if err := c.spare.write(ctx, backend, value); err != nil {
		return fmt.Errorf("store keyset: %w", err)
	}
	return nil
}

func (s *slot) write(ctx context.Context, backend storage.Backend, value []byte) error {
	if s.revision == 0 && errors.Is(s.err, storage.ErrDamaged) {
		// Revision 0 is that of a record that the storage cannot read.
		if err := backend.Delete(ctx, s.key, 0); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	stored := value
	if s.key == spareKey {
		stored = pad(value)
	}
	revision, err := backend.Put(ctx, storage.Record{Key: s.key, Value: stored, Revision: s.revision})
	if err != nil {
		return err
	}
	s.revision, s.value, s.err = revision, value, nil
	return nil
}

// pad makes a value long. Its own length is in front.
func pad(value []byte) []byte {
	return append(lengthPrefixed(string(value)), make([]byte, max(0, spareSize-len(value)))...)
}

func unpad(padded []byte) ([]byte, error) {
	if len(padded) >= 4 {
		n, value := binary.BigEndian.Uint32(padded), padded[4:]
		if uint64(n) <= uint64(len(value)) {
			return value[:n], nil
		}
	}
	return nil, fmt.Errorf("%w: not a keyset", storage.ErrDamaged)
}
