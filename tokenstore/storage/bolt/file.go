package bolt

import (
	"errors"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// reopenInterval is the least time between two attempts to open the file
	// again after it failed.
	reopenInterval = time.Second

	// panicInterval is the same after an attempt in which bbolt panicked. Each
	// of those leaves a mapping behind, of which a process may have about
	// 65,000 on Linux.
	panicInterval = time.Minute

	// noWait as bbolt's lock timeout makes it try once; zero would wait for ever.
	noWait = time.Nanosecond
)

// file is the database file of a store over its whole life: open, failed, open
// again, shut.
type file struct {
	path string

	mu      sync.Mutex
	current *handle   // nil while the file has failed
	cause   error     // why it has failed
	retry   time.Time // when it may be opened again
	isShut  bool

	onReopen func() // called after the file was opened again
}

// handle returns the open file. If it has failed, it tries to open it again, but
// not more often than once in reopenInterval.
func (f *file) handle() (*handle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isShut {
		return nil, storage.ErrClosed
	}
	if f.current != nil && f.current.failed.Load() {
		f.discard(errors.New("its pages can no longer be read"))
	}
	if f.current == nil {
		if err := f.reopen(); err != nil {
			return nil, err
		}
	}
	return f.current, nil
}

// fail gives up the handle. Nothing may be retried on it: after a failed fsync
// the kernel forgets which pages it could not write, and the next fsync of the
// same file succeeds without them.
func (f *file) fail(h *handle, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == h {
		f.discard(cause)
	}
}

// discard closes the current handle. The caller holds mu.
func (f *file) discard(cause error) {
	f.cause = errors.Join(cause, f.current.close())
	f.current = nil
}

// reopen never creates a file: an empty one in place of a lost one would make
// a disaster look like a fresh start. The caller holds mu.
func (f *file) reopen() error {
	now := time.Now()
	if now.Before(f.retry) {
		return unavailable("database file failed", f.cause)
	}
	h, err := openHandle(f.path, noWait, true)
	f.retry = now.Add(reopenInterval)
	if err != nil {
		if errors.As(err, new(panicError)) {
			f.retry = now.Add(panicInterval)
		}
		f.cause = err
		return unavailable("database file could not be opened again", err)
	}
	f.current = h
	f.onReopen()
	return nil
}

// shut closes the file for good.
func (f *file) shut() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.isShut = true
	if f.current == nil {
		return nil
	}
	return f.current.close()
}
