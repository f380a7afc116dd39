package callerkey_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// A disk that drops a write leaves a page of before the key was revoked, which leads to the key, or has it.
func TestAPageOfBeforeBringsNoRevokedKeyBack(t *testing.T) {
	tests := map[string]struct {
		damage func(path, before, bucket, id string) error
		all    bool // no key is surely of now: the page is on the way to all of them
	}{
		"the branch above": {damagedpage.StaleBranch, true},
		"the leaf":         {damagedpage.StaleLeaf, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := map[string]string{}
			for i := range 100 {
				name := fmt.Sprintf("key-%03d", i)
				keys["key/"+name] = w.create(name, demo)
			}
			w.close()
			before := filepath.Join(t.TempDir(), "before.db")
			copyFile(t, before, w.path)
			beside, err := damagedpage.Beside(before, callerkey.Bucket, "key/key-050")
			if err != nil || len(beside) < 2 {
				t.Fatalf("%q are in one leaf, %v", beside, err)
			}
			revoked := beside[0] // so that the leaf begins with another one afterwards
			w.open()
			if err := w.Revoke(t.Context(), strings.TrimPrefix(revoked, "key/")); err != nil {
				t.Fatal(err)
			}
			w.close()
			if err := tt.damage(w.path, before, callerkey.Bucket, beside[1]); err != nil {
				t.Fatal(err)
			}
			w.trouble.Store(0)
			w.open()
			w.wantRefused(keys[revoked])
			doubtful := beside
			if tt.all {
				doubtful = nil
				for id := range keys {
					doubtful = append(doubtful, id)
				}
			}
			found := 0
			for id, key := range keys {
				_, ok := w.Find(key)
				if ok == slices.Contains(doubtful, id) {
					t.Errorf("%s is found: %t", id, ok)
				}
				if ok {
					found++
				}
			}
			list, told := w.List(), 0
			for _, problem := range w.Problems() {
				if errors.Is(problem, callerkey.ErrDamaged) && strings.Contains(problem.Error(), "recover the database") {
					told++
				}
			}
			damaged := slices.DeleteFunc(slices.Clone(list), func(k callerkey.Key) bool { return !k.Damaged })
			t.Logf("%d of %d keys are found; of %d in the list %d are damaged; problems: %d; told: %d, such as: %.300v",
				found, len(keys), len(list), len(damaged), told, w.trouble.Load(), errors.Join(w.Problems()...))
			if len(list) != len(keys) || len(damaged) != len(doubtful) || told != len(doubtful) || int(w.trouble.Load()) < told {
				t.Error("not each of those in doubt is listed as damaged, and told")
			}
			name := strings.TrimPrefix(revoked, "key/")
			if _, _, err := w.Create(t.Context(), callerkey.Spec{Name: name, Scope: demo}); !errors.Is(err, callerkey.ErrExists) {
				t.Errorf("Create returned %v", err)
			}
			if err := w.Revoke(t.Context(), name); !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("Revoke returned %v", err)
			}
			w.restart()
			w.wantRefused(keys[revoked])
		})
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// doubting is a backend that finds all where it is damaged, if it is.
type doubting struct {
	storage.Backend
	damaged atomic.Bool
	events  chan storage.Event
}

func (d *doubting) Watch(context.Context, string) (<-chan storage.Event, error) { return d.events, nil }

func (d *doubting) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	r, err := d.Backend.Get(ctx, key)
	r.Doubtful = d.damaged.Load()
	return r, err
}

func (d *doubting) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	page, err := d.Backend.List(ctx, bucket, prefix, after, limit)
	for i := range page {
		page[i].Doubtful = d.damaged.Load()
	}
	return page, err
}

func TestAKeyThatWasReadServesOnWhereItIsInDoubt(t *testing.T) {
	w := newWorld(t)
	key, revoked := w.create("known", demo), w.create("revoked", demo)
	b := &doubting{Backend: w.backend, events: make(chan storage.Event)}
	k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: b, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	defer close(b.events)
	// An event is taken when the one before it has been dealt with.
	send := func(e storage.Event) { b.events <- e; b.events <- storage.Event{} }
	found := func(key string) bool { _, ok := k.Find(key); return ok }
	unknown := w.create("unknown", demo)
	b.damaged.Store(true)
	event := func(name string, revision uint64) storage.Event {
		return storage.Event{Key: storage.Key{Bucket: callerkey.Bucket, ID: "key/" + name}, Revision: revision}
	}
	send(event("revoked", 0)) // though it is found
	for _, e := range []storage.Event{event("known", 7), event("unknown", 1), {Missed: true}} {
		send(e)
		if !found(key) || found(revoked) || e.Key.ID != event("known", 0).Key.ID && found(unknown) {
			t.Errorf("after %+v, found: what was known %t, what was revoked %t, what is new %t", e, found(key), found(revoked), found(unknown))
		}
	}
	if len(k.List()) != 3 || len(k.Problems()) != 2 {
		t.Errorf("%d are in the list; problems: %v", len(k.List()), k.Problems())
	}
	b.damaged.Store(false)
	send(storage.Event{Missed: true})
	if !found(key) || !found(unknown) || len(k.Problems()) != 0 {
		t.Errorf("found: what was known %t, what is new %t; problems: %v", found(key), found(unknown), k.Problems())
	}
	t.Logf("%d keys, %d problems at the end", len(k.List()), len(k.Problems()))
}
