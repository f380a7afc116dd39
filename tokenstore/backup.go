package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Backup copies the whole storage, as it is at one moment, while the store is used. Everything in the
// copy is sealed as it is in the storage; the key is not in it. The caller must close it, and
// gets [ErrBackupRunning] while another one is open: a copy takes room on the disk.
//
// Tokens that the storage does not take at present ([Health]) are not in it.
func (s *Store) Backup(ctx context.Context) (*storage.Snapshot, error) {
	source, ok := s.backend.(storage.Snapshotter)
	if !ok {
		return nil, fmt.Errorf("backup: this kind of storage is copied by its own means: %w", errors.ErrUnsupported)
	}
	if !s.backingUp.TryLock() {
		return nil, ErrBackupRunning
	}
	snapshot, err := source.Snapshot(ctx)
	if err != nil {
		s.backingUp.Unlock()
		return nil, fmt.Errorf("backup: %w", err)
	}
	snapshot.ReadCloser = &backup{snapshot.ReadCloser, sync.OnceFunc(s.backingUp.Unlock)}
	return snapshot, nil
}

// backup lets the next one begin when it is closed.
type backup struct {
	io.ReadCloser
	release func()
}

// Close implements [io.Closer].
func (b *backup) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
