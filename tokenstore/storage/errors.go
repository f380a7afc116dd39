package storage

import "errors"

// Errors of every backend's methods.
var (
	// ErrNotFound is returned if there is no record of that key.
	ErrNotFound = errors.New("record not found")

	// ErrConflict is returned if the record has another revision than the
	// caller expected: somebody else has changed it.
	ErrConflict = errors.New("record was changed by someone else")

	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("storage is closed")

	// ErrUnavailable is wrapped by failures that may pass: a full disk, an
	// I/O error, a shared store out of reach.
	ErrUnavailable = errors.New("storage is unavailable")

	// ErrDamaged is wrapped by failures that will not pass: the bytes are not
	// what was written.
	ErrDamaged = errors.New("storage is damaged")

	// ErrDueIndex is wrapped beside ErrDamaged by a Put or Delete if the record
	// itself could be written, but the due index could not take its entry in or
	// out. A Put that leaves the due time as it is does not need the index.
	ErrDueIndex = errors.New("due index cannot be changed")
)

// Errors of opening a backend.
var (
	// ErrLocked is wrapped if another process, or another part of this one,
	// has the storage open and it can be opened only once.
	ErrLocked = errors.New("storage is in use by another process")

	// ErrInsecure is wrapped if others than the owner may read or replace
	// what is stored.
	ErrInsecure = errors.New("storage is not private")
)
