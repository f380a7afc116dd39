package custody

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Progress is told how many bytes of a copy are written, of how many. It must not block.
type Progress func(done, total int64)

// Backup is a copy of a database that was checked.
type Backup struct {
	Path    string // absolute
	Size    int64
	Content storage.Content
	// Fingerprint is that of the encryption key which opens it, see [seal.Key.Fingerprint].
	Fingerprint string
}

// Save writes a snapshot to the file path, and does not close it. The copy has its name only when
// it was read again from there: its bytes have the sum, and its records the number, that the snapshot
// says. It returns an error that wraps ErrExists if there is a file, and ErrIncomplete if
// the copy is not what it should be.
func Save(ctx context.Context, path string, from *storage.Snapshot, progress Progress) (Backup, error) {
	b, err := save(ctx, path, from, progress)
	if err != nil {
		return Backup{}, fmt.Errorf("backup %s: %w", path, err)
	}
	return b, nil
}

func save(ctx context.Context, path string, from *storage.Snapshot, progress Progress) (_ Backup, err error) {
	if err := free(path); err != nil {
		return Backup{}, err
	}
	d, err := newDraft(path)
	if err != nil {
		return Backup{}, err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	if err := receive(ctx, d, from, progress); err != nil {
		return Backup{}, err
	}
	b, err := check(ctx, d.Name(), from)
	if err != nil {
		return Backup{}, err
	}
	b.Path = d.target
	return b, d.place()
}

// receive writes the bytes of a snapshot, and closes the draft.
func receive(ctx context.Context, d *draft, from *storage.Snapshot, progress Progress) error {
	// A read from a server that sends nothing would not end.
	stop := context.AfterFunc(ctx, func() { _ = from.Close() }) // what is read then is not wanted
	defer stop()
	w := &meter{ctx: ctx, to: d, sum: sha256.New(), total: from.Size, progress: progress}
	if _, err := io.Copy(w, io.LimitReader(from, from.Size+1)); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	switch {
	case w.done != from.Size:
		return fmt.Errorf("%w: it has %d bytes, and should have %d; try again", ErrIncomplete, w.done, from.Size)
	case [sha256.Size]byte(w.sum.Sum(nil)) != from.SHA256:
		return fmt.Errorf("%w: its checksum is another one than that of its source; try again", ErrIncomplete)
	}
	return d.finish()
}

// meter counts what passes.
type meter struct {
	ctx      context.Context // of one copy
	to       io.Writer
	sum      hash.Hash
	done     int64
	total    int64
	progress Progress
}

// Write implements [io.Writer].
func (m *meter) Write(b []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	_, _ = m.sum.Write(b) // never fails
	n, err := m.to.Write(b)
	m.done += int64(n)
	if m.progress != nil {
		m.progress(m.done, m.total)
	}
	return n, err
}

// check opens the copy, and compares what is in it.
func check(ctx context.Context, path string, from *storage.Snapshot) (_ Backup, err error) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return Backup{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	b := Backup{}
	if b.Content, err = s.Content(ctx); err != nil {
		return Backup{}, err
	}
	if b.Content != from.Content {
		return Backup{}, fmt.Errorf("%w: it has %d records, %d of them damaged, and should have %d and %d; try again", ErrIncomplete,
			b.Content.Records, b.Content.Damaged, from.Content.Records, from.Content.Damaged)
	}
	if b.Fingerprint, err = seal.StoredFingerprint(ctx, s); err != nil {
		return Backup{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Backup{}, err
	}
	b.Size = info.Size()
	return b, nil
}

// SaveOffline is [Save] of the database at path, which no store may have open.
func SaveOffline(ctx context.Context, database, path string, progress Progress) (_ Backup, err error) {
	if err := mustExist(database); err != nil {
		return Backup{}, err
	}
	s, err := bolt.Open(database, bolt.Options{})
	if err != nil {
		return Backup{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	snapshot, err := s.Snapshot(ctx)
	if err != nil {
		return Backup{}, err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	return Save(ctx, path, snapshot, progress)
}

// mustExist keeps a slip in a path from making a new database there.
func mustExist(database string) error {
	if _, err := os.Lstat(database); err != nil {
		return fmt.Errorf("token database: %w", err)
	}
	return nil
}
