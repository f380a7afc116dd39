package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// handle is an open database file.
type handle struct {
	db   *bbolt.DB
	file *os.File    // the one that bbolt uses; for asking only
	info fs.FileInfo // of file when it was opened, to recognise it

	size   atomic.Int64 // bytes that the file must have
	broken atomic.Bool  // a panic may have left bbolt's locks held

	// beginMu guards the begin of transactions and close, so that nobody waits
	// for ever for a lock that a panic in bbolt left held. The end of a
	// transaction must not need it: a begin waits for a writer that remaps the
	// file, and the writer waits for readers to end.
	beginMu sync.Mutex
}

// openHandle opens an existing database and checks that it is one of ours. It
// does not change the file. If the error is a panicError, bbolt may have left
// the file mapped.
func openHandle(path string, lockTimeout time.Duration) (*handle, error) {
	h := &handle{}
	err := guard(func() error { return h.open(path, lockTimeout) })
	if err == nil {
		err = h.view(checkFormat)
	}
	if err == nil {
		return h, nil
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
	h.broken.Store(true) // until bbolt.Open has returned
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		OpenFile:     h.openFile,
		NoStatistics: true,
	})
	h.broken.Store(false)
	if err != nil {
		h.file = nil // bbolt has closed it
		return err
	}
	h.db = db
	return h.checkLength()
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

// view runs fn in a read-only transaction. Only what fn copies may leave it.
func (h *handle) view(fn func(*bbolt.Tx) error) error {
	return guard(func() error {
		tx, err := h.begin(false)
		if err != nil {
			return err
		}
		defer h.end(tx)
		return fn(tx)
	})
}

// begin starts a transaction. It must be called in [guard].
func (h *handle) begin(writable bool) (*bbolt.Tx, error) {
	h.beginMu.Lock()
	defer h.beginMu.Unlock()
	if h.broken.Load() {
		return nil, unavailable("begin transaction", berrors.ErrDatabaseNotOpen)
	}
	// The begin reads the meta pages with locks held, so a file that was cut
	// off must be noticed here.
	info, err := h.file.Stat()
	if err != nil {
		return nil, unavailable("begin transaction", err)
	}
	if info.Size() < h.size.Load() {
		h.broken.Store(true)
		return nil, unavailable("begin transaction", fmt.Errorf("file has shrunk from %d to %d bytes", h.size.Load(), info.Size()))
	}
	returned := false
	defer func() {
		if !returned { // but panicked, with bbolt's locks held
			h.broken.Store(true)
		}
	}()
	tx, err := h.db.Begin(writable)
	returned = true
	if err != nil {
		return nil, unavailable("begin transaction", err)
	}
	return tx, nil
}

// end rolls tx back. After a commit it does nothing.
func (h *handle) end(tx *bbolt.Tx) {
	returned := false
	defer func() {
		if !returned {
			h.broken.Store(true)
		}
	}()
	_ = tx.Rollback() // fails only if the transaction has ended already
	returned = true
}

// noteSize remembers how large the file has become.
func (h *handle) noteSize() {
	if info, err := h.file.Stat(); err == nil {
		h.size.Store(info.Size())
	}
}

// checkPlace tells whether the path still leads to the open file. A write to a
// file that was removed or replaced would be acknowledged, and gone at the next
// start.
func (h *handle) checkPlace(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return unavailable("the open file is no longer in its place; put it back, or restart", err)
	}
	if !os.SameFile(info, h.info) {
		return unavailable("restart to use the new file", fmt.Errorf("another file was put to %s", path))
	}
	return nil
}

// close waits for the transactions under way. If a panic left locks of bbolt
// held, waiting could last for ever; then the file is closed and its mapping is
// given up.
func (h *handle) close() error {
	h.beginMu.Lock()
	defer h.beginMu.Unlock()
	switch {
	case h.file == nil:
		return nil
	case h.broken.Swap(true):
		return errors.Join(unlock(h.file), h.file.Close())
	default:
		return h.db.Close()
	}
}
