// Package storage is the contract between the engine and the place where its
// records live: a bbolt file (package bolt), later a shared store.
//
// A backend keeps opaque bytes. Sealing happens above it, once for all
// backends, and so does everything that has to do with OAuth. What a backend
// does promise is durability (a Put that returned nil survives a crash of
// the process and of the machine), compare-and-swap by revision, an index of
// due times, and leases that make one holder at a time.
//
// Package storagetest has the suite that every backend must pass.
package storage

import (
	"context"
	"time"
)

// Key names a record. Bucket and ID are compared as bytes; no character has
// a meaning. Neither may be empty. Two keys are the same only if both parts are:
// {"a", "b:c"} and {"a:b", "c"} are two records.
type Key struct {
	Bucket string
	ID     string
}

// Record is what a backend keeps under a key.
type Record struct {
	Key Key

	// Value is opaque to the backend. A backend never keeps a reference to
	// the slice it is given, and the one that it returns belongs to the caller.
	Value []byte

	// Due puts the record into the due index of its bucket; the zero time
	// leaves it out. It is kept with a precision of one millisecond or better.
	Due time.Time

	// Revision is the backend's own count of changes. It is 1 or more on a
	// stored record, and grows with each Put of that key. After a Delete, a
	// new record of the same key may start at 1 again.
	Revision uint64

	// Unwritable is set by Get and List if it is known that damage lets nobody change this record: each Put
	// and Delete of it returns ErrDamaged. Where it is not set, they may do so too. It is not stored.
	Unwritable bool

	// Doubtful is set by Get and List on a record that was found where the storage is damaged, so that it may be one of an
	// earlier state: of before it was changed or deleted. It is not stored, and Put takes no notice of it.
	Doubtful bool
}

// Due is an entry of the due index.
type Due struct {
	Key Key
	At  time.Time
}

// Event tells that a record changed, no matter who changed it.
type Event struct {
	Key      Key
	Revision uint64 // the revision after the change; 0 if it was deleted

	// Missed is set when the receiver was too slow and events were lost. The
	// other fields are empty then, and the receiver must read again whatever it
	// holds.
	Missed bool
}

// Backend keeps records. All methods are safe for concurrent use. They return
// [ErrClosed] after Close, the context's error if it ends first, and an error
// that wraps [ErrUnavailable] if the storage cannot be read or written now;
// such a failure may pass, so callers may try again.
//
// A write whose context ends before the answer may or may not have happened.
type Backend interface {
	// Get returns the record of key, or ErrNotFound, or an error that wraps
	// ErrDamaged if there is a record that cannot be read.
	Get(ctx context.Context, key Key) (Record, error)

	// Put stores r if the stored revision of r.Key is r.Revision; zero
	// demands that there is no such record. It returns the new revision, and
	// returns it only when the record is durable. It returns ErrConflict, and
	// changes nothing, if the stored revision is another one. It returns an
	// error that wraps ErrDamaged, and changes nothing, if damage does not
	// allow this record to be written; others may still be.
	Put(ctx context.Context, r Record) (revision uint64, err error)

	// Delete removes the record of key if its revision is the given one. It
	// returns ErrNotFound if there is none and ErrConflict if the revision is
	// another one. The removal is durable when it returns nil. Damage is as
	// with Put.
	Delete(ctx context.Context, key Key, revision uint64) error

	// List returns, in the byte order of their ids, at most limit records of
	// the bucket whose id starts with prefix and comes behind after. The
	// empty after starts at the beginning; the last id of one page is the
	// after of the next one. A record that cannot be read is returned with a
	// nil Value, so that one damaged record does not hide the others.
	//
	// Where damage keeps records from being found, it goes on behind that, so
	// that it does not hide the others. Then the error wraps ErrDamaged, and the
	// records beside it are all that were found up to limit, in order and each
	// once; the last of them may be the after of the next call, as ever. If there
	// are fewer than limit, none is left that can be found. They are no complete
	// list. With any other error the records mean nothing.
	List(ctx context.Context, bucket, prefix, after string, limit int) ([]Record, error)

	// Due returns at most limit entries of the bucket whose time is not after
	// before, ordered by time, then by id, starting behind the entry after
	// (the zero Due starts at the beginning).
	//
	// What is damaged in the index is passed over, so that it does not hide
	// what is due behind it: an entry that cannot be one or is out of order, or
	// a part of the index. Then the error wraps ErrDamaged, and the entries
	// beside it are all that were found up to limit; the last of them may be
	// the after of the next call, as ever. If there are fewer than limit, none
	// is left. With any other error the entries mean nothing.
	Due(ctx context.Context, bucket string, before time.Time, after Due, limit int) ([]Due, error)

	// Lease waits until no one else holds the lease of key, then holds it.
	// Leases of different keys are independent of each other. The caller must
	// release it. It does not hinder Get, Put or Delete.
	Lease(ctx context.Context, key Key) (Lease, error)

	// Watch reports the changes of a bucket, those by this process included,
	// until ctx ends or the backend closes; then the channel is closed.
	Watch(ctx context.Context, bucket string) (<-chan Event, error)

	// Close ends all calls under way with ErrClosed or lets them finish, and
	// gives up what the backend holds. Closing twice is no error.
	Close() error
}

// Lease is the right to be the only one who works on a record.
type Lease interface {
	// Lost is closed when the lease was lost before it was released, for
	// example because a shared store could not be reached. The holder may
	// finish a request that is already on the wire; it must not start one.
	// In one process a lease is never lost.
	Lost() <-chan struct{}

	// Release gives the lease up. Releasing twice is no error.
	Release()
}
