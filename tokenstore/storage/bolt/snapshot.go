package bolt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var _ storage.Snapshotter = (*Store)(nil)

// Snapshot implements [storage.Snapshotter]. The copy is a file beside the database, which has
// no name any more when Snapshot returns, or loses it with Close where an open file must have one. It
// is written record by record, as [Store.CopyTo] does, and takes as much room on the disk as the records.
//
// While the copy is made, pages that become free are not used again, and a write that makes the
// file larger than its mapping waits; the copy goes to the same disk, so that this does not last.
func (s *Store) Snapshot(ctx context.Context) (*storage.Snapshot, error) {
	c, built, err := newCopy(s.path)
	if err != nil {
		return nil, fmt.Errorf("copy token database %s: %w", s.path, err)
	}
	snapshot := &storage.Snapshot{ReadCloser: c}
	openFile := func(string, int, os.FileMode) (*os.File, error) { return built, nil }
	snapshot.Content, snapshot.Size, err = s.copyTo(ctx, built.Name(), openFile, nil, nil)
	if err == nil {
		snapshot.SHA256, err = s.digest(ctx, c.file, snapshot.Size)
	}
	if err != nil {
		return nil, fmt.Errorf("copy token database %s: %w", s.path, errors.Join(err, c.Close()))
	}
	return snapshot, nil
}

// digest cuts a file that was built to its size, and leaves it to be read from its begin.
func (s *Store) digest(ctx context.Context, f *os.File, size int64) (sum [sha256.Size]byte, err error) {
	if err := f.Truncate(size); err != nil {
		return sum, unavailable("cut the copy to its size", err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, reading{func() error { return s.ready(ctx) }, f}); err != nil {
		return sum, cmp.Or(s.ready(ctx), unavailable("read the copy", err))
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return sum, unavailable("read the copy", err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// Content reads every record and returns how many there are. Its errors are those of
// [Store.CopyTo].
func (s *Store) Content(ctx context.Context) (content storage.Content, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		content, err = count(func() error { return s.ready(ctx) }, tx)
		return err
	})
	if err != nil {
		return storage.Content{}, fmt.Errorf("read token database %s: %w", s.path, err)
	}
	return content, nil
}

// count looks at every record, unless ready says that it is not worth while any more.
func count(ready func() error, tx *bbolt.Tx) (storage.Content, error) {
	i := newInventory()
	err := eachRecord(tx, func(key storage.Key, raw []byte) error {
		i.note(key, raw)
		return ready()
	})
	if err == nil {
		err = i.check(tx)
	}
	return i.content, err
}

// reading is a file that is read until ready fails.
type reading struct {
	ready func() error
	file  *os.File
}

// Read implements [io.Reader].
func (r reading) Read(b []byte) (int, error) {
	if err := r.ready(); err != nil {
		return 0, err
	}
	return r.file.Read(b)
}

// fileCopy is a file that ends with its reader.
type fileCopy struct {
	file  *os.File
	named bool
}

// newCopy makes an empty file beside the database, and opens it a second time, to be built. Nobody but its owner can
// read it, and nothing is left of it if the process is killed, where the system allows that.
func newCopy(path string) (_ *fileCopy, built *os.File, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.copy")
	if err != nil {
		return nil, nil, unavailable("make a file for the copy", err)
	}
	// CreateTemp asks for 0600, of which the umask may take bits away.
	if err = f.Chmod(0o600); err == nil {
		built, err = os.OpenFile(f.Name(), os.O_RDWR|openFlags, 0)
	}
	if err != nil {
		return nil, nil, unavailable("make a file for the copy", errors.Join(err, f.Close(), os.Remove(f.Name())))
	}
	return &fileCopy{file: f, named: os.Remove(f.Name()) != nil}, built, nil
}

// Read implements [io.Reader].
func (c *fileCopy) Read(b []byte) (int, error) { return c.file.Read(b) }

// Close implements [io.Closer].
func (c *fileCopy) Close() error {
	err := c.file.Close()
	if c.named {
		err = errors.Join(err, os.Remove(c.file.Name()))
	}
	return err
}
