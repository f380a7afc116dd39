package callerkey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Create makes a key and returns it with its secret text, which nobody can get again. The key is durable and in
// force then. It returns an error that wraps ErrInvalid, ErrExists, ErrTooMany, or what the storage
// returned; then nobody has the key. If it is not known whether the storage took it, List may
// show it: revoke it before the name is used again.
func (k *Keys) Create(ctx context.Context, s Spec) (Key, secret.String, error) {
	now := k.now().UTC().Round(0)
	if err := s.validate(now); err != nil {
		return Key{}, secret.String{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.mayCreate(s.Name); err != nil {
		return Key{}, secret.String{}, fmt.Errorf("caller key %q: %w", s.Name, err)
	}
	e, text, err := k.newEntry(s, now)
	if err == nil {
		err = k.save(ctx, e)
	}
	if err != nil {
		return Key{}, secret.String{}, fmt.Errorf("caller key %q: %w", s.Name, err)
	}
	k.update(func(t *table) *table { return t.with(e) })
	return e.key.clone(), secret.New(text), nil
}

func (s Spec) validate(now time.Time) error {
	if err := ValidateName(s.Name); err != nil {
		return err
	}
	if !s.ExpiresAt.IsZero() && (!now.Before(s.ExpiresAt) || s.ExpiresAt.UTC().Year() > 9999) {
		return invalid("expiry %s: it must lie in the future", s.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return s.Scope.validate()
}

// mayCreate knows what this process knows; the storage has the last word. The caller holds mu.
func (k *Keys) mayCreate(name string) error {
	t := k.table.Load()
	switch {
	case k.closed:
		return storage.ErrClosed
	case t.byName[name] != nil:
		return ErrExists
	case len(t.byName) >= MaxKeys:
		return ErrTooMany
	}
	return nil
}

func (k *Keys) newEntry(s Spec, now time.Time) (e *entry, text string, err error) {
	id, err := newID(k.random)
	for err == nil && k.table.Load().byID[id] != nil {
		id, err = newID(k.random)
	}
	if err != nil {
		return nil, "", err
	}
	text, err = newKeyText(k.random, id)
	if err != nil {
		return nil, "", err
	}
	key := Key{Name: s.Name, ID: id, Scope: s.Scope, CreatedAt: now, ExpiresAt: s.ExpiresAt.UTC().Round(0)}
	return &entry{key: key.clone(), digest: digest(text)}, text, nil
}

// save stores a new key. The caller holds mu.
func (k *Keys) save(ctx context.Context, e *entry) error {
	value, err := e.encode()
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	e.revision, err = k.backend.Put(ctx, storage.Record{Key: recordKey(e.key.Name), Value: value})
	if errors.Is(err, storage.ErrConflict) {
		return ErrExists // made by another process
	}
	if err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	return nil
}

func recordKey(name string) storage.Key { return storage.Key{Bucket: Bucket, ID: idKeys + name} }
