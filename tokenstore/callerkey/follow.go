package callerkey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// readPage is how many records are read at once.
	readPage = 200
	// readRetry is the wait after the storage failed to give what changed.
	readRetry = 5 * time.Second

	reading = "reading the caller keys" // of which trouble is told
)

// follow keeps the keys in memory true, also when another process changes them. If err, of the
// first reading, is not nil, it begins with another one.
func (k *Keys) follow(ctx context.Context, changes <-chan storage.Event, err error) {
	var again <-chan time.Time
	for {
		if err != nil && ctx.Err() == nil {
			k.trouble(reading, err)
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
		return k.rereadSigner(ctx, e)
	}
	return nil
}

func (k *Keys) rereadSigner(ctx context.Context, cause storage.Event) error {
	k.mu.Lock()
	problem, err := k.readSigner(ctx, cause.Revision == 0)
	k.mu.Unlock()
	if problem != nil {
		k.trouble(reading, problem)
	}
	return err
}

// reread reads the record of one key.
func (k *Keys) reread(ctx context.Context, name string, cause storage.Event) error {
	problem, err := k.rereadLocking(ctx, name, cause)
	if problem != nil {
		k.trouble(reading, problem)
	}
	return err
}

func (k *Keys) rereadLocking(ctx context.Context, name string, cause storage.Event) (problem, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if old := k.table.Load().byName[name]; old != nil && old.problem == nil && old.revision == cause.Revision {
		return nil, nil // our own change
	}
	r, err := k.look(ctx, recordKey(name))
	if errors.Is(err, storage.ErrNotFound) || cause.Revision == 0 && (err != nil || r.Doubtful) {
		// If it was deleted, and made again meanwhile, a later reading finds that.
		k.update(func(t *table) *table { return t.without(name) })
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := k.table.Load().unlessDoubtful(decodeKey(r))
	k.update(func(t *table) *table {
		t.inherit(e)
		return t.with(e)
	})
	return e.problem, nil
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
	case (err == nil || errors.Is(err, storage.ErrDamaged)) && len(found) > 0 && found[0].Key == key:
		return found[0], nil
	case err != nil:
		return storage.Record{}, err
	}
	return storage.Record{}, storage.ErrNotFound
}

// reload reads all records. It leaves everything as it is if it cannot. What damage hides is told once, and is no error: it
// does not pass.
func (k *Keys) reload(ctx context.Context) error {
	problems, err := k.reloadLocking(ctx)
	for _, problem := range problems {
		k.trouble(reading, problem)
	}
	return err
}

// reloadLocking returns the problems that were not known before.
func (k *Keys) reloadLocking(ctx context.Context) (problems []error, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entries, damage, err := k.readAll(ctx)
	if err != nil {
		return nil, err
	}
	before := k.table.Load()
	known := before.byName
	if damage != nil {
		entries = append(entries, k.hidden(ctx, entries)...)
	}
	for i := range entries {
		entries[i] = before.unlessDoubtful(entries[i])
	}
	for _, e := range entries {
		if old := known[e.key.Name]; e.problem != nil && (old == nil || old.problem == nil) {
			problems = append(problems, e.problem)
		}
	}
	if damage != nil && before.damage == nil {
		problems = append(problems, damage)
	}
	k.update(func(t *table) *table {
		for _, e := range entries {
			t.inherit(e)
		}
		t = newTable(entries...)
		t.damage = damage
		return t
	})
	problem, err := k.readSigner(ctx, false)
	if problem != nil {
		problems = append(problems, problem)
	}
	return problems, err
}

// hidden returns the keys that are known, and neither found nor surely gone: that they cannot be read any more does not end them.
func (k *Keys) hidden(ctx context.Context, found []*entry) (hidden []*entry) {
	names := make(map[string]bool, len(found))
	for _, e := range found {
		names[e.key.Name] = true
	}
	for name, e := range k.table.Load().byName {
		if names[name] {
			continue
		}
		if _, err := k.backend.Get(ctx, recordKey(name)); !errors.Is(err, storage.ErrNotFound) {
			kept := *e
			hidden = append(hidden, &kept)
		}
	}
	return hidden
}

// readAll returns the keys that can be found, and in damage why there may be others.
func (k *Keys) readAll(ctx context.Context) (entries []*entry, damage, err error) {
	for after := ""; len(entries) <= MaxKeys; {
		page, err := k.backend.List(ctx, Bucket, idKeys, after, readPage)
		switch {
		case errors.Is(err, storage.ErrDamaged):
			damage = fmt.Errorf("there may be caller keys that cannot be found: %w", err)
		case err != nil:
			return nil, nil, err
		}
		for _, r := range page {
			entries = append(entries, decodeKey(r))
			after = r.Key.ID
		}
		if len(page) < readPage {
			break
		}
	}
	return entries, damage, nil
}
