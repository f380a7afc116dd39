package storage

import (
	"context"
	"crypto/sha256"
	"io"
)

// Snapshotter is implemented by a [Backend] that can copy all it keeps, as it is at one moment, into
// one stream of bytes. A file with these bytes is a storage of the same kind.
type Snapshotter interface {
	// Snapshot makes a copy while the backend is read and written. It returns when the copy is
	// complete, so that however slowly it is read, nothing of the backend is held up by
	// that. The caller must Close it. The errors are those of a Backend's methods;
	// ErrDamaged is wrapped if the storage cannot be read to its end.
	Snapshot(ctx context.Context) (*Snapshot, error)
}

// Snapshot is a copy of a storage, to be read once.
type Snapshot struct {
	io.ReadCloser

	Size    int64             // bytes that are to be read
	SHA256  [sha256.Size]byte // of these bytes
	Content Content           // what is in them
}

// Content counts what a storage holds.
type Content struct {
	Records int // all of them, in all buckets
	Damaged int // of those, the ones that cannot be read
}
