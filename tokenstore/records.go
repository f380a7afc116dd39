package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Buckets of the backend.
const (
	bucketConnections = "connections"
	bucketConsents    = "consents"
)

// stored is a record together with where it stands in the storage.
type stored struct {
	record
	id       ID
	due      time.Time
	indexed  time.Time // the due time that the storage has; due is another if it could not be moved, or was changed since
	revision uint64    // 0: not stored yet
	// damaged is set if there is a stored record that cannot be read.
	damaged error
	// unreadable: even the storage cannot read it, so that nothing can be put over it.
	unreadable bool
	// unwritable: it can be read, and damage lets nobody change it.
	unwritable bool
}

// records loads and saves the records of connections: the encoding, the seal
// and the storage, in this order.
type records struct {
	backend storage.Backend
	sealer  *seal.Sealer

	// lastErr is why the storage failed the last time it was used; it holds an
	// error in a box, which is nil in the box if it did not.
	lastErr atomic.Pointer[error]

	// unmoved has the due times that the storage could not take.
	unmoved unmoved
	// onUnmoved is told why it could not.
	onUnmoved func(error)

	// refused wakes the saver up; it has room for one word.
	refused chan struct{}

	mu sync.Mutex
	// unsaved holds records that are newer than the storage's, because the
	// storage did not take them. It is read before the storage is.
	unsaved map[ID]*stored // guarded by mu
}

func connectionKey(id ID) storage.Key {
	return storage.Key{Bucket: bucketConnections, ID: id.String()}
}

// load returns the record of id, or an error that wraps ErrNotFound. A record
// that cannot be read is returned with damaged set, so that it can be replaced.
func (r *records) load(ctx context.Context, id ID) (*stored, error) {
	if st := r.kept(id); st != nil {
		return st, nil
	}
	return r.loadStored(ctx, id)
}

// kept returns the unsaved record of id, nil if there is none.
func (r *records) kept(id ID) *stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	unsaved := r.unsaved[id]
	if unsaved == nil {
		return nil
	}
	c := *unsaved
	c.record = c.record.clone()
	return &c
}

// loadStored is load without a look at what is unsaved.
func (r *records) loadStored(ctx context.Context, id ID) (*stored, error) {
	raw, err := r.backend.Get(ctx, connectionKey(id))
	if errors.Is(err, storage.ErrNotFound) {
		r.note(nil)
		return nil, fmt.Errorf("connection %s: %w", id, ErrNotFound)
	}
	if errors.Is(err, storage.ErrDamaged) {
		return &stored{
			id: id, unreadable: true,
			damaged: fmt.Errorf("connection %s: %w: %w", id, ErrDamagedRecord, err),
		}, nil
	}
	r.note(err)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", id, err)
	}
	return r.open(id, raw), nil
}

// open unseals and decodes what the backend returned for id.
func (r *records) open(id ID, raw storage.Record) *stored {
	st := &stored{id: id.clone(), due: raw.Due, indexed: raw.Due, revision: raw.Revision, unwritable: raw.Unwritable}
	if at, ok := r.unmoved.wanted(id); ok {
		st.due = at
	}
	plain, generation, err := r.sealer.Open(raw.Key.Bucket, raw.Key.ID, raw.Value)
	if err == nil {
		st.record, err = decodeRecord(plain)
	}
	if err == nil && generation != st.Generation {
		err = errors.New("its generation is not the sealed one")
	}
	if err != nil {
		st.record = record{}
		st.damaged = fmt.Errorf("connection %s: %w: %w", id, ErrDamagedRecord, err)
	}
	return st
}

// save makes st durable and sets its new revision. It returns an error that
// wraps storage.ErrConflict if somebody else changed the record.
func (r *records) save(ctx context.Context, st *stored) error {
	plain, err := st.encode()
	if err != nil {
		return fmt.Errorf("connection %s: encoding: %w", st.id, err)
	}
	key := connectionKey(st.id)
	if st.unreadable {
		// Revision 0 is that of a record that the storage cannot read.
		if err := r.backend.Delete(ctx, key, 0); err != nil && !errors.Is(err, storage.ErrNotFound) {
			r.note(err)
			return writeError(st.id, "removing the damaged record", err)
		}
		st.unreadable, st.indexed = false, time.Time{}
	}
	binding := seal.Binding{Bucket: key.Bucket, ID: key.ID, Generation: st.Generation}
	revision, err := r.putOrLeaveDue(ctx, binding, plain, st)
	r.note(err)
	if err != nil {
		return writeError(st.id, "saving", err)
	}
	st.revision, st.damaged = revision, nil
	r.forgetUnsaved(st.id)
	return nil
}

// remove deletes the record durably.
func (r *records) remove(ctx context.Context, st *stored) error {
	err := r.backend.Delete(ctx, connectionKey(st.id), st.revision)
	if errors.Is(err, storage.ErrNotFound) {
		err = nil // somebody else was faster; it is gone
	}
	r.note(err)
	if err != nil {
		return writeError(st.id, "deleting", err)
	}
	r.forgetUnsaved(st.id)
	r.unmoved.forget(st.id)
	return nil
}

// writeError is the error of a write that the storage refused.
func writeError(id ID, op string, err error) error {
	if errors.Is(err, storage.ErrDamaged) {
		return fmt.Errorf("connection %s: %s: %w: %w", id, op, ErrUnwritable, err)
	}
	return fmt.Errorf("connection %s: %s: %w", id, op, err)
}

// writable returns an error that wraps ErrUnwritable if it is known that the storage refuses the record.
func (st *stored) writable() error {
	if st.unwritable {
		return fmt.Errorf("connection %s: %w: %w", st.id, ErrDamagedRecord, ErrUnwritable)
	}
	return nil
}

func (r *records) forgetUnsaved(id ID) {
	r.mu.Lock()
	delete(r.unsaved, id)
	r.mu.Unlock()
}

// keepUnsaved remembers st until it can be saved, and returns how many there are.
func (r *records) keepUnsaved(st *stored) int {
	c := *st
	c.record = c.record.clone()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsaved[st.id] = &c
	select {
	case r.refused <- struct{}{}:
	default:
	}
	return len(r.unsaved)
}

func (r *records) unsavedIDs() []ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]ID, 0, len(r.unsaved))
	for id := range r.unsaved {
		ids = append(ids, id)
	}
	return ids
}

func (r *records) isUnsaved(id ID) bool { return r.kept(id) != nil }

// note remembers how the storage is doing. What somebody else changed or a
// caller gave up is no fault of the storage.
func (r *records) note(err error) {
	switch {
	case errors.Is(err, storage.ErrConflict), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return
	case err == nil && r.lastErr.Load() == nil:
		return
	case err == nil:
		r.lastErr.Store(nil)
	default:
		r.lastErr.Store(&err)
	}
}

func (r *records) storageErr() error {
	if p := r.lastErr.Load(); p != nil {
		return *p
	}
	return nil
}
