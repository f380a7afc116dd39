package storagetest

import (
	"context"
	"sync"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Faulty is a backend that fails by script and otherwise does what the backend
// that it wraps does. It is safe for concurrent use; its script may be changed at
// any time and holds for calls that begin later. The zero value of each hook
// does nothing.
type Faulty struct {
	storage.Backend

	mu     sync.Mutex
	script script // guarded by mu
}

type script struct {
	fails int // how many Puts are still to fail
	err   error

	onPut      func(storage.Record) error
	afterPut   func(storage.Record) error
	onGet      func(storage.Key) error
	onDelete   func(storage.Key) error
	failAlways bool
}

// NewFaulty returns a backend around b that has no faults yet.
func NewFaulty(b storage.Backend) *Faulty { return &Faulty{Backend: b} }

// FailPuts makes the next n Puts return err without reaching the backend. A
// negative n lets all fail until the next call; zero ends it.
func (f *Faulty) FailPuts(n int, err error) {
	f.change(func(s *script) { s.fails, s.failAlways, s.err = n, n < 0, err })
}

// OnPut sets what is called before each Put reaches the backend; nil for
// nothing. If it returns an error, so does Put, and nothing is stored. It may
// block, which makes the Put block, whatever becomes of the Put's context.
func (f *Faulty) OnPut(hook func(storage.Record) error) {
	f.change(func(s *script) { s.onPut = hook })
}

// AfterPut sets what is called after each Put that the backend did, with the new
// revision; nil for nothing. If it returns an error, so does Put, although the
// record is stored: the outcome is unknown to the caller.
func (f *Faulty) AfterPut(hook func(storage.Record) error) {
	f.change(func(s *script) { s.afterPut = hook })
}

// OnGet is to Get what OnPut is to Put.
func (f *Faulty) OnGet(hook func(storage.Key) error) {
	f.change(func(s *script) { s.onGet = hook })
}

// OnDelete is to Delete what OnPut is to Put.
func (f *Faulty) OnDelete(hook func(storage.Key) error) {
	f.change(func(s *script) { s.onDelete = hook })
}

func (f *Faulty) change(do func(*script)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(&f.script)
}

// now returns the script as it is, so that hooks run without the lock.
func (f *Faulty) now() script {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.script
}

// Put implements [storage.Backend].
func (f *Faulty) Put(ctx context.Context, r storage.Record) (uint64, error) {
	s, err := f.beforePut()
	if err != nil {
		return 0, err
	}
	if s.onPut != nil {
		if err := s.onPut(r); err != nil {
			return 0, err
		}
	}
	revision, err := f.Backend.Put(ctx, r)
	if err != nil || s.afterPut == nil {
		return revision, err
	}
	r.Revision = revision
	if err := s.afterPut(r); err != nil {
		return 0, err
	}
	return revision, nil
}

// beforePut counts one Put off those that are to fail.
func (f *Faulty) beforePut() (script, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch s := &f.script; {
	case s.failAlways:
		return *s, s.err
	case s.fails > 0:
		s.fails--
		return *s, s.err
	default:
		return *s, nil
	}
}

// Get implements [storage.Backend].
func (f *Faulty) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	if hook := f.now().onGet; hook != nil {
		if err := hook(key); err != nil {
			return storage.Record{}, err
		}
	}
	return f.Backend.Get(ctx, key)
}

// Delete implements [storage.Backend].
func (f *Faulty) Delete(ctx context.Context, key storage.Key, revision uint64) error {
	if hook := f.now().onDelete; hook != nil {
		if err := hook(key); err != nil {
			return err
		}
	}
	return f.Backend.Delete(ctx, key, revision)
}
