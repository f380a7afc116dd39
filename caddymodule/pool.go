package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// closeTimeout is how long the last configuration that uses a store waits for
// refreshes under way. What an authorization server answers may be the only
// copy of a new refresh token.
const closeTimeout = 10 * time.Second

// stores has what outlives a reload, by the path of its database. The path
// alone is the key: a database can be opened only once, whatever the other
// settings say.
var stores = caddy.NewUsagePool()

// pooledStore is a store that configurations share. It opens on first use and
// not when it is made, so that a configuration can be validated beside a
// running server.
type pooledStore struct {
	path         string
	metrics      *metrics.Metrics
	metricsLimit int

	mu       sync.Mutex // guards what is below, and is held while the store opens
	key      seal.Key   // zero until the key file is read, if that is where it comes from
	keyFile  bool       // the key comes from the key file
	store    *tokenstore.Store
	released bool
}

// acquireStore returns the store of a database. Whoever got it must release it.
// The zero key stands for the one in the key file beside the database.
func acquireStore(path string, key seal.Key, metricsLimit int) (*pooledStore, error) {
	value, _, err := stores.LoadOrNew(path, func() (caddy.Destructor, error) {
		return &pooledStore{
			path:         path,
			metrics:      metrics.New(metricsLimit),
			metricsLimit: metricsLimit,
			key:          key,
			keyFile:      key.IsZero(),
		}, nil
	})
	if err != nil {
		return nil, err
	}
	p := value.(*pooledStore)
	if err := p.accept(key); err != nil {
		return nil, errors.Join(err, p.release())
	}
	return p, nil
}

// release gives up what acquireStore gave. The last one to do so closes the store.
func (p *pooledStore) release() error {
	_, err := stores.Delete(p.path)
	return err
}

// accept refuses another key than the one in use: the store could not tell which
// of them the database should have.
func (p *pooledStore) accept(key seal.Key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keyFile && key.IsZero() || p.key.Equal(key) {
		return nil
	}
	return fmt.Errorf("%s.%w", tokenapp.Name, &tokenstore.ConfigError{
		Field: "encryption_key",
		Problem: fmt.Sprintf("the running configuration uses the database %s with another key, "+
			"and a reload cannot change it; leave the key as it was", p.path),
	})
}

// open returns the store, and opens it if nobody did yet.
func (p *pooledStore) open(logger *zap.Logger) (*tokenstore.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released {
		return nil, tokenstore.ErrClosed
	}
	if p.store == nil {
		store, err := p.openStore(logger)
		if err != nil {
			return nil, withRemedy(err)
		}
		p.store = store
	}
	return p.store, nil
}

// Destruct closes the store. The pool calls it when nobody uses it any more.
func (p *pooledStore) Destruct() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = true
	if p.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return p.store.Close(ctx)
}
