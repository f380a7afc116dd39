package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// write is a Put or a Delete on its way to the file.
type write struct {
	ctx   context.Context // ends the wait, and drops a write that is not in a transaction yet
	key   storage.Key
	size  int // bytes that are to be stored, about
	apply func(*writing) (revision uint64, err error)
	done  chan struct{} // closed when revision and err are set

	revision uint64 // of the record after the write; 0 if it was deleted
	err      error
}

// maxValue bounds a value, so that what a transaction can need is bounded too.
const maxValue = 16 << 20

// Put implements [storage.Backend]. Ids and buckets of more than 32,756 bytes and
// values of more than 16 MiB are refused.
func (s *Store) Put(ctx context.Context, r storage.Record) (uint64, error) {
	if len(r.Value) > maxValue {
		return 0, recordError("put", r.Key, fmt.Errorf("value has %d bytes, more than %d", len(r.Value), maxValue))
	}
	r.Value = bytes.Clone(r.Value) // the caller may change it when ctx has ended
	revision, err := s.write(ctx, r.Key, len(r.Value), func(tx *writing) (uint64, error) { return put(tx, r) })
	if err != nil {
		return 0, recordError("put", r.Key, err)
	}
	return revision, nil
}

// Delete implements [storage.Backend]. A damaged record, whose revision cannot
// be known, is deleted by the revision 0, with which [Store.List] returns it.
func (s *Store) Delete(ctx context.Context, key storage.Key, revision uint64) error {
	_, err := s.write(ctx, key, 0, func(tx *writing) (uint64, error) { return 0, remove(tx, key, revision) })
	if err != nil {
		return recordError("delete", key, err)
	}
	return nil
}

// write hands the operation to the writer and waits for its outcome.
func (s *Store) write(ctx context.Context, key storage.Key, size int, apply func(*writing) (uint64, error)) (uint64, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	if err := checkKey(key); err != nil {
		return 0, err
	}
	w := &write{ctx: ctx, key: key, size: size, apply: apply, done: make(chan struct{})}
	select {
	case s.queue <- w:
	case <-s.closing:
		return 0, storage.ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case <-w.done:
		return w.revision, w.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-s.written:
	}
	// The writer has ended, perhaps with this write as its last.
	select {
	case <-w.done:
		return w.revision, w.err
	default:
		return 0, storage.ErrClosed
	}
}

// put stores r if the revision is right. It changes nothing otherwise, since
// the transaction has the writes of others in it.
func put(tx *writing, r storage.Record) (uint64, error) {
	old, err := tx.stored(r.Key, false)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		old = storage.Record{}
	case err != nil:
		return 0, err
	}
	if old.Revision != r.Revision {
		return 0, storage.ErrConflict
	}
	if err := tx.paths.due(r.Key, old, r); err != nil {
		return 0, err
	}
	all := tx.Bucket(recordsBucket)
	records, err := all.CreateBucketIfNotExists([]byte(r.Key.Bucket))
	if err != nil {
		return 0, err
	}
	revision, err := all.NextSequence()
	if err != nil {
		return 0, err
	}
	if err := records.Put([]byte(r.Key.ID), encodeRecord(r, revision)); err != nil {
		return 0, err
	}
	return revision, moveDue(tx.Tx, r.Key, old, r)
}

// moveDue takes the entry of the record before out of the due index, and puts
// that of the record after in. Either may have none.
func moveDue(tx *bbolt.Tx, key storage.Key, before, after storage.Record) error {
	if before.Due.Equal(after.Due) {
		return nil
	}
	index, err := tx.Bucket(dueBucket).CreateBucketIfNotExists([]byte(key.Bucket))
	if err != nil {
		return err
	}
	if !before.Due.IsZero() {
		if err := index.Delete(dueKey(before.Due, key.ID)); err != nil {
			return err
		}
	}
	if after.Due.IsZero() {
		return nil
	}
	return index.Put(dueKey(after.Due, key.ID), nil)
}

// remove deletes the record of key if the revision is right.
func remove(tx *writing, key storage.Key, revision uint64) error {
	old, err := tx.stored(key, true)
	damaged := errors.Is(err, errChecksum) && revision == 0
	switch {
	case err != nil && !damaged:
		return err
	case old.Revision != revision:
		return storage.ErrConflict
	}
	if damaged {
		if old.Due, err = tx.dueOf(key); err != nil {
			return err
		}
	}
	if err := tx.paths.due(key, old, storage.Record{}); err != nil {
		return err
	}
	if err := tx.Bucket(recordsBucket).Bucket([]byte(key.Bucket)).Delete([]byte(key.ID)); err != nil {
		return err
	}
	return moveDue(tx.Tx, key, old, storage.Record{})
}
