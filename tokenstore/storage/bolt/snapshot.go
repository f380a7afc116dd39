package bolt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var _ storage.Snapshotter = (*Store)(nil)

// Snapshot implements [storage.Snapshotter]. The copy is a file beside the database, which has
// no name any more when Snapshot returns, or loses it with Close where an open file must have one. It
// takes as much room on the disk as the database.
//
// While the copy is made, pages that become free are not used again, and a write that makes the
// file larger than its mapping waits; the copy goes to the same disk, so that this does not last.
func (s *Store) Snapshot(ctx context.Context) (*storage.Snapshot, error) {
	c, err := newCopy(s.path)
	if err != nil {
		return nil, fmt.Errorf("copy token database %s: %w", s.path, err)
	}
	snapshot := &storage.Snapshot{ReadCloser: c}
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		ready := func() error { return s.ready(ctx) }
		if snapshot.Content, err = count(ready, tx); err != nil {
			return err
		}
		sum := sha256.New()
		if snapshot.Size, err = tx.WriteTo(copying{ready, c.file, sum}); err != nil {
			return cmp.Or(ready(), unavailable("write the copy", err))
		}
		sum.Sum(snapshot.SHA256[:0])
		return nil
	})
	if err == nil {
		_, err = c.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("copy token database %s: %w", s.path, errors.Join(err, c.Close()))
	}
	return snapshot, nil
}

// Content reads every record and returns how many there are. Its errors are those of
// [Store.Snapshot].
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
func count(ready func() error, tx *bbolt.Tx) (content storage.Content, err error) {
	all := tx.Bucket(recordsBucket)
	if all == nil {
		return content, fmt.Errorf("%w: bucket %q of the file is missing", storage.ErrDamaged, recordsBucket)
	}
	err = all.ForEachBucket(func(name []byte) error {
		before := ""
		return all.Bucket(name).ForEach(func(id, raw []byte) error {
			key := storage.Key{Bucket: string(name), ID: string(id)}
			if key.ID <= before {
				return fmt.Errorf("%w: ids are out of order", storage.ErrDamaged)
			}
			before = key.ID
			content.Records++
			if !sound(key, raw) {
				content.Damaged++
			}
			return ready()
		})
	})
	return content, err
}

// copying is where the bytes of a copy go. It fails when ready does.
type copying struct {
	ready func() error
	file  *os.File
	sum   hash.Hash
}

// Write implements [io.Writer].
func (c copying) Write(b []byte) (int, error) {
	if err := c.ready(); err != nil {
		return 0, err
	}
	_, _ = c.sum.Write(b) // never fails
	return c.file.Write(b)
}

// fileCopy is a file that ends with its reader.
type fileCopy struct {
	file  *os.File
	named bool
}

// newCopy makes an empty file beside the database. Nobody but its owner can read it, and
// nothing is left of it if the process is killed, where the system allows that.
func newCopy(path string) (*fileCopy, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.copy")
	if err != nil {
		return nil, unavailable("make a file for the copy", err)
	}
	return &fileCopy{file: f, named: os.Remove(f.Name()) != nil}, nil
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
