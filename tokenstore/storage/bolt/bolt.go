package bolt

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// defaultLockTimeout makes a program that finds the file taken say so within two seconds of its start, with room
// for a busy machine.
const defaultLockTimeout = time.Second

// Options are the settings of a [Store]. The zero value is ready to use.
type Options struct {
	// LockTimeout is how long Open waits for another process, or another
	// part of this one, to close the file. Zero means one second.
	LockTimeout time.Duration

	// OnCommit, if not nil, is called after each attempt to commit a
	// transaction, by one goroutine at a time and with no lock held. The next
	// commit waits until it returns, so it must be quick, and it must not call
	// the store.
	OnCommit func(CommitInfo)
}

func (o Options) lockTimeout() time.Duration {
	if o.LockTimeout <= 0 {
		return defaultLockTimeout
	}
	return o.LockTimeout
}

// CommitInfo tells how an attempt to commit went.
type CommitInfo struct {
	// Duration is the time from the begin of the transaction until it was
	// durable or had failed.
	Duration time.Duration

	// Operations is the number of Puts and Deletes in the transaction.
	Operations int

	// Err is nil if the transaction is durable.
	Err error
}

// Store is a [storage.Backend] in a bbolt file. All methods are safe for
// concurrent use.
type Store struct {
	path     string
	onCommit func(CommitInfo)

	file    file          // the open file, or why it is not open
	queue   chan *write   // from callers to the writer
	closing chan struct{} // closed when Close is called
	written chan struct{} // closed when the writer has ended

	leases   leases
	watchers watchers

	closeOnce sync.Once
	closeErr  error
}

var _ storage.Backend = (*Store)(nil)

// Open opens the file at path, and creates it, and its directory, if there is
// none. The caller must Close the store.
//
// The error wraps [storage.ErrLocked] if the file is open elsewhere,
// [storage.ErrInsecure] if others than its owner may read or replace it,
// [storage.ErrDamaged] if it is not a file of this package or was cut off, and
// [ErrNewerFormat] if a newer version of this package wrote it. The file is
// untouched then.
func Open(path string, o Options) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open token database %s: %w", path, err)
	}
	h, err := openOrCreate(abs, o.lockTimeout())
	if err != nil {
		return nil, fmt.Errorf("open token database: %w", err)
	}
	s := &Store{
		path:     abs,
		onCommit: o.OnCommit,
		queue:    make(chan *write, maxBatch),
		closing:  make(chan struct{}),
		written:  make(chan struct{}),
	}
	s.file = file{path: abs, current: h, onReopen: s.watchers.missed}
	go s.writeLoop()
	return s, nil
}

// Path returns the absolute path of the file.
func (s *Store) Path() string { return s.path }

// Close lets the transaction under way finish, ends all other calls with
// [storage.ErrClosed] and releases the file. Closing twice is no error.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		<-s.written
		s.watchers.close()
		if err := s.file.shut(); err != nil {
			s.closeErr = fmt.Errorf("close token database %s: %w", s.path, err)
		}
	})
	return s.closeErr
}

// ready returns ErrClosed after Close and the context's error if it has ended.
func (s *Store) ready(ctx context.Context) error {
	select {
	case <-s.closing:
		return storage.ErrClosed
	default:
		return ctx.Err()
	}
}
