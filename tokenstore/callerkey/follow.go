package callerkey

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// readPage is how many records are read at once.
	readPage = 200
	// readRetry is the wait after the storage failed to give what changed.
	readRetry = 5 * time.Second
)

// follow keeps the keys in memory true, also when another process changes them. If err, of the
// first reading, is not nil, it begins with another one.
func (k *Keys) follow(ctx context.Context, changes <-chan storage.Event, err error) {
	var again <-chan time.Time
	for {
		if err != nil && ctx.Err() == nil {
			k.trouble("reading the caller keys", err)
			again = time.After(readRetry)
		}
		select {
		case e, open := <-changes:
			if !open {
				return
			}
			err = k.take(ctx, e)
		case <-again:
			again = nil
			err = k.reload(ctx)
		}
	}
}

// take learns what an event is about. It believes the storage and not the event, which may be old.
func (k *Keys) take(ctx context.Context, e storage.Event) error {
	name, isKey := strings.CutPrefix(e.Key.ID, idKeys)
	switch {
	case e.Missed:
		return k.reload(ctx)
	case isKey:
		return k.reread(ctx, name, e)
	case e.Key.ID == idSigner:
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.readSigner(ctx)
	}
	return nil
}

// reread reads the record of one key.
func (k *Keys) reread(ctx context.Context, name string, cause storage.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.table.Load()
	if old := t.byName[name]; old != nil && old.problem == nil && old.revision == cause.Revision {
		return nil // our own change
	}
	r, err := k.look(ctx, recordKey(name))
	if errors.Is(err, storage.ErrNotFound) || err != nil && cause.Revision == 0 {
		// If it was deleted, and made again meanwhile, a later reading finds that.
		k.table.Store(t.without(name))
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	e := decodeKey(r)
	t.inherit(e)
	k.table.Store(t.with(e))
	if e.problem != nil {
		k.trouble("reading the caller keys", e.problem)
	}
	return nil
}

// look returns a record, with a nil Value if it cannot be read.
func (k *Keys) look(ctx context.Context, key storage.Key) (storage.Record, error) {
	r, err := k.backend.Get(ctx, key)
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		return r, err
	}
	// A List tells the revision of a damaged record, as Get does not. What has the
	// prefix and nothing more is the first.
	found, err := k.backend.List(ctx, key.Bucket, key.ID, "", 1)
	switch {
	case err != nil:
		return storage.Record{}, err
	case len(found) == 0 || found[0].Key != key:
		return storage.Record{}, storage.ErrNotFound
	}
	return found[0], nil
}

// reload reads all records. It leaves everything as it is if it cannot.
func (k *Keys) reload(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, entries := k.table.Load(), []*entry(nil)
	for after := ""; len(entries) <= MaxKeys; {
		page, err := k.backend.List(ctx, Bucket, idKeys, after, readPage)
		if err != nil {
			return err
		}
		for _, r := range page {
			e := decodeKey(r)
			old.inherit(e)
			if known := old.byName[e.key.Name]; e.problem != nil && (known == nil || known.problem == nil) {
				k.trouble("reading the caller keys", e.problem)
			}
			entries = append(entries, e)
			after = r.Key.ID
		}
		if len(page) < readPage {
			break
		}
	}
	k.table.Store(newTable(entries...))
	return k.readSigner(ctx)
}
