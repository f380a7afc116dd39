package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// openHandle opens an existing database and checks that it is one of ours. It
// does not change the file. If the error is a panicError, bbolt may have left
// the file mapped.
//
// After a failure the pages of the file that are in memory may differ from those
// on the disk; fromDisk asks for the latter.
func openHandle(path string, lockTimeout time.Duration, fromDisk bool) (*handle, error) {
	var h *handle
	var err error
	for range maxReplaced {
		h = &handle{fromDisk: fromDisk}
		err = guard(func() error { return h.open(path, lockTimeout) })
		if err != nil || isAt(path, h.info) {
			break
		}
		// The lock is that of a file which was replaced, or removed, while this waited for it.
		err = fmt.Errorf("%w: the file is replaced again and again", storage.ErrLocked)
		if err := h.close(); err != nil {
			return nil, describeOpenError(path, err)
		}
	}
	if err == nil {
		err = h.view(checkFormat)
	}
	if err == nil {
		return h, nil
	}
	if fault := (panicError{}); !fromDisk && errors.As(err, &fault) && errors.Is(fault, storage.ErrUnavailable) {
		// Whichever page bbolt looks at first, a file that was cut off is damaged, and
		// looks like a disk that cannot be read.
		err = fmt.Errorf("%w: it is shorter than it should be, or cannot be read: %w", storage.ErrDamaged, err)
	}
	return nil, errors.Join(describeOpenError(path, err), h.close())
}

func (h *handle) open(path string, lockTimeout time.Duration) error {
	if err := checkDir(filepath.Dir(path)); err != nil {
		return err
	}
	// Before the file is opened, since opening a pipe would block.
	if err := checkRegular(os.Lstat(path)); err != nil {
		return err
	}
	for range maxReplaced {
		h.suspect = nil
		err := h.openDB(path, lockTimeout)
		if h.suspect != nil {
			h.readOnly = true // then bbolt does not believe what it should not
			continue
		}
		if err == nil {
			err = h.checkLength()
		}
		if err != nil || !h.readOnly {
			return err
		}
		// Until the file was locked, another process may have been changing it.
		if err := h.checkFile(h.file); err != nil {
			h.unwritable = err
			if errors.Is(err, errUnwritable) {
				return nil
			}
			return err
		}
		h.readOnly = false
		if err := h.db.Close(); err != nil {
			return err
		}
	}
	h.file = nil // closed
	return fmt.Errorf("%w: the file is changed again and again", storage.ErrLocked)
}

func (h *handle) openDB(path string, lockTimeout time.Duration) error {
	h.stuck.Store(true) // until bbolt.Open has returned
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		OpenFile:     h.openFile,
		NoStatistics: true,
		ReadOnly:     h.readOnly,
	})
	h.stuck.Store(false)
	if err != nil {
		h.file = nil // bbolt has closed it
		return err
	}
	h.db = db
	return nil
}

// checkFile looks at what bbolt believes when it opens a file. If the error wraps errUnwritable, the file can be read only.
func (h *handle) checkFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, ok := newest(f)
	if !ok {
		return nil // bbolt says what is wrong
	}
	if bytes := int64(min(m.highWater, math.MaxInt32)) * m.pageSize; bytes > info.Size() {
		return fmt.Errorf("%w: the file has %d bytes of at least %d", storage.ErrDamaged, info.Size(), bytes)
	}
	if m.root < 2 || m.root >= m.highWater {
		return fmt.Errorf("%w: the file begins in page %d of %d", storage.ErrDamaged, m.root, m.highWater)
	}
	return checkFreelist(f, m)
}

// openFile replaces the function with which bbolt would create a missing file
// and would follow a symbolic link. All that is checked here is checked on the
// open file, which nobody can exchange any more.
func (h *handle) openFile(path string, _ int, _ os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|openFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err := errors.Join(checkRegular(info, err), checkContent(info), checkPrivate(path, info)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if h.fromDisk {
		dropCache(f)
	}
	if !h.readOnly {
		if h.suspect = h.checkFile(f); h.suspect != nil {
			return nil, errors.Join(h.suspect, f.Close())
		}
	}
	h.file, h.info = f, info
	return f, nil
}

func checkRegular(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: it is a symbolic link; give the path of the file itself", storage.ErrInsecure)
	case info.IsDir():
		return errors.New("it is a directory; give the path of a file in it")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	default:
		return nil
	}
}

// checkContent refuses an empty file, of which bbolt would make a database in
// place.
func checkContent(info fs.FileInfo) error {
	if info.Size() == 0 {
		return fmt.Errorf("%w: the file is empty; restore a backup, or remove it to start anew", storage.ErrDamaged)
	}
	return nil
}

// checkLength refuses a file that was cut off: reading what is missing would be
// a fault at an arbitrary later time.
func (h *handle) checkLength() error {
	info, err := h.file.Stat()
	if err != nil {
		return err
	}
	return h.view(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%w: the file has %d bytes of at least %d", storage.ErrDamaged, info.Size(), tx.Size())
		}
		h.size.Store(info.Size())
		return nil
	})
}

// describeOpenError adds the path and the remedy, and one of the sentinels
// where it can.
func describeOpenError(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w: %s is open in another process or in another part of this one; stop that one first, or use `caddy reload` to change the configuration of a running server", storage.ErrLocked, path)
	case isSystemError(err), errors.Is(err, storage.ErrInsecure), errors.Is(err, storage.ErrDamaged),
		errors.Is(err, storage.ErrUnavailable), errors.Is(err, ErrNewerFormat):
		return fmt.Errorf("%s: %w", path, err)
	default:
		return fmt.Errorf("%s: %w: %w", path, storage.ErrDamaged, err)
	}
}

// isSystemError tells a failure of the operating system from bbolt's own words
// about the content of the file.
func isSystemError(err error) bool {
	return errors.As(err, new(syscall.Errno)) || errors.As(err, new(*fs.PathError))
}
