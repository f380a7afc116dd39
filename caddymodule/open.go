package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/database"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

var errKeyFileMissing = errors.New("key file is missing")

// openStore opens the database, then its key. The caller holds mu.
func (p *pooledStore) openStore(logger *zap.Logger) (_ *tokenstore.Store, err error) {
	backend, err := bolt.Open(p.path, bolt.Options{OnCommit: p.metrics.Committed})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, backend.Close())
		}
	}()
	ctx := context.Background()
	if err := p.loadKey(ctx, backend, logger); err != nil {
		return nil, fmt.Errorf("token database %s: %w", p.path, err)
	}
	store, err := tokenstore.Open(ctx, tokenstore.Options{
		Backend: backend,
		Key:     p.key,
		Client:  oauth.NewClient(oauth.Options{}),
	})
	if err != nil {
		return nil, fmt.Errorf("token database %s: %w", p.path, err)
	}
	p.metrics.UseStore(store)
	return store, nil
}

// loadKey reads the key file, or makes one for a new database. That the
// database is open already keeps other processes from doing the same.
func (p *pooledStore) loadKey(ctx context.Context, backend storage.Backend, logger *zap.Logger) error {
	if !p.keyFile {
		return nil
	}
	file := database.KeyFile(p.path)
	if err := checkKeyFile(ctx, file, backend); err != nil {
		return err
	}
	key, created, err := seal.LoadOrCreateKeyFile(file)
	if err != nil {
		return err
	}
	p.key = key
	if created {
		logger.Warn("made a key file, since no encryption_key is configured; it protects backups and copies of "+
			"the database that do not have it, and nothing from somebody who can read both files; "+
			"keep a copy of it elsewhere, or configure encryption_key with a key from another place",
			zap.String("key_file", file), zap.String("database", p.path))
	}
	return nil
}

// checkKeyFile refuses to make a new key for a database that has one: the new
// file would be taken for the lost one ever after.
func checkKeyFile(ctx context.Context, file string, backend storage.Backend) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := seal.StoredFingerprint(ctx, backend)
	if errors.Is(err, seal.ErrKeysetMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", errKeyFileMissing, file)
}

// withRemedy adds what to do about it to an error of opening a database, where
// the layers below cannot know it.
func withRemedy(err error) error {
	switch {
	case errors.Is(err, errKeyFileMissing):
		return fmt.Errorf("%w; put it back from a copy, or configure the encryption_key that the database was encrypted with", err)
	case errors.Is(err, seal.ErrWrongKey):
		return fmt.Errorf("%w; the database was not touched; configure the encryption_key that it was encrypted with, "+
			"or, if none was configured then, remove encryption_key so that the key file beside the database is used", err)
	case errors.Is(err, storage.ErrDamaged):
		return fmt.Errorf("%w; restore a backup with caddy token-store restore, or save what is in the file with caddy token-store recover", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; the user who runs Caddy must be able to write there; "+
			"give that right, or name another place with: storage bolt <path>", err)
	}
	return err
}
