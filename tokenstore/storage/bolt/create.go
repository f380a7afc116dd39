package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// openOrCreate opens the file at the absolute path. If there is none, it is
// created; if another process is faster with that, its file is opened.
func openOrCreate(path string, lockTimeout time.Duration) (*handle, error) {
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	return openHandle(path, lockTimeout, false)
}

// create makes an empty database at path. It returns fs.ErrExist, and leaves
// what is there, if there is a file by now.
//
// bbolt writes a new file in place, and a power cut in the middle of that leaves
// one that it cannot open again (etcd-io/bbolt#567). So the file is made
// under another name, and gets its own when it is complete and durable.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return err
	}
	if err := checkDir(dir); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.new")
	if err != nil {
		return fmt.Errorf("directory %s cannot be written: %w", dir, err)
	}
	defer func() {
		err = errors.Join(err, os.Remove(temp.Name()), syncDir(dir))
	}()
	if err := fill(temp); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	// A link, since a rename would replace the file of a faster process.
	if err := os.Link(temp.Name(), path); err != nil {
		return fmt.Errorf("create %s (the file system must support hard links): %w", path, err)
	}
	return nil
}

// fill makes a database of the empty file f and closes it.
func fill(f *os.File) error {
	// CreateTemp asks for 0600, of which the umask may take bits away.
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return err
	}
	db, err := bbolt.Open(f.Name(), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(format), db.Sync()); err != nil {
		return errors.Join(err, db.Close())
	}
	return db.Close()
}

// makeDir makes dir, and the directories above it, if they are missing. Unlike
// os.MkdirAll it does not let the umask decide about their mode, and it makes
// their entries durable.
func makeDir(dir string) error {
	_, err := os.Stat(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil // another process made it
	} else if err != nil {
		return fmt.Errorf("directory %s cannot be written: %w", parent, err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	return syncDir(parent)
}
