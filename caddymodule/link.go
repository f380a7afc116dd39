package caddymodule

import (
	"context"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// link ties one configuration to a store that it shares with others: from the
// first use until the configuration ends.
type link struct {
	pooled     *pooledStore
	attachment tokenstore.Attachment
	logger     *zap.Logger

	attached atomic.Pointer[tokenstore.Store] // spares the lock once there is one
	settled  chan struct{}                    // closed when attached is set, or never will be

	mu     sync.Mutex // guards what is below, and is held while the store opens
	detach func()     // nil while the store does not work with the configuration
	ended  bool
}

// store returns the open store, which works with the configuration. Requests may
// outlive their configuration: a store that was closed meanwhile says so itself.
func (l *link) store() (*tokenstore.Store, error) {
	if store := l.attached.Load(); store != nil {
		return store, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if store := l.attached.Load(); store != nil {
		return store, nil
	}
	if l.ended {
		return nil, tokenstore.ErrClosed
	}
	store, err := l.pooled.open(l.logger)
	if err != nil {
		return nil, err
	}
	l.detach = store.Attach(l.attachment)
	l.attached.Store(store)
	close(l.settled)
	return store, nil
}

// wait returns the store once somebody else has opened it.
func (l *link) wait(ctx context.Context) (*tokenstore.Store, error) {
	select {
	case <-l.settled:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if store := l.attached.Load(); store != nil {
		return store, nil
	}
	return nil, tokenstore.ErrClosed
}

// end makes the store work without the configuration. Calling it twice is no error.
func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended && l.attached.Load() == nil {
		close(l.settled)
	}
	l.ended = true
	if l.detach != nil {
		l.detach()
		l.detach = nil
	}
}
