package callerkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Revoke ends a key, and with it the grants it was used for. It is durable when Revoke returns nil. An error wraps
// ErrNotFound, or is of the storage: then the key is refused by this process from now on all the same, but
// would be valid again after a restart, so revoke it again.
func (k *Keys) Revoke(ctx context.Context, name string) error {
	if ValidateName(name) != nil {
		return fmt.Errorf("caller key: %w", ErrNotFound) // untold, as it may be the key itself
	}
	// It is refused before the lock is had, which a storage that hangs may hold up.
	k.update(func(t *table) *table { return t.halting(name) })
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return fmt.Errorf("caller key %q: %w", name, storage.ErrClosed)
	}
	err := k.remove(ctx, recordKey(name))
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		k.update(func(t *table) *table { return t.without(name) })
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("caller key %q: %w", name, ErrNotFound)
	}
	return fmt.Errorf("caller key %q: revoking: %w", name, err)
}

// removeAttempts is how often a record that others change is looked at again.
const removeAttempts = 5

// remove deletes a record whatever its revision, also one that cannot be read.
func (k *Keys) remove(ctx context.Context, key storage.Key) error {
	for range removeAttempts {
		r, err := k.look(ctx, key)
		if err != nil {
			return err
		}
		err = k.backend.Delete(ctx, key, r.Revision)
		if !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return storage.ErrConflict
}
