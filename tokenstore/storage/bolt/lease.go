package bolt

import (
	"context"
	"sync"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// leases are the leases that are held or waited for. The zero value is ready to
// use. They need no file: only this process has the file open.
type leases struct {
	mu   sync.Mutex
	keys map[storage.Key]*slot // guarded by mu; has no entry that nobody uses
}

// slot is the lease of one key.
type slot struct {
	held  chan struct{} // has room for one: the holder
	users int           // who hold it or wait for it; guarded by leases.mu
}

// Lease implements [storage.Backend]. It is lost only by its release.
func (s *Store) Lease(ctx context.Context, key storage.Key) (storage.Lease, error) {
	if err := checkKey(key); err != nil {
		return nil, recordError("lease", key, err)
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	l := s.leases.join(key)
	select {
	case l.held <- struct{}{}:
		return &lease{release: sync.OnceFunc(func() {
			<-l.held
			s.leases.leave(key, l)
		})}, nil
	case <-ctx.Done():
		s.leases.leave(key, l)
		return nil, ctx.Err()
	case <-s.closing:
		s.leases.leave(key, l)
		return nil, storage.ErrClosed
	}
}

func (l *leases) join(key storage.Key) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = make(map[storage.Key]*slot)
	}
	s := l.keys[key]
	if s == nil {
		s = &slot{held: make(chan struct{}, 1)}
		l.keys[key] = s
	}
	s.users++
	return s
}

func (l *leases) leave(key storage.Key, s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(l.keys, key)
	}
}

type lease struct{ release func() }

// Lost returns nil, a channel that is never ready.
func (l *lease) Lost() <-chan struct{} { return nil }

func (l *lease) Release() { l.release() }
