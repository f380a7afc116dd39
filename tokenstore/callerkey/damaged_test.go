package callerkey_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestADamagedPageHidesNoOtherKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		keys := map[string]string{}
		for i := range 100 {
			name := fmt.Sprintf("key-%03d", i)
			keys["key/"+name] = w.create(name, demo)
		}
		if w.Damage() != nil {
			t.Errorf("before: %v", w.Damage())
		}
		w.close()
		lost, err := damagedpage.Clear(w.path, damagedpage.Records("key/"))
		if err != nil {
			t.Fatal(err)
		}
		w.open()
		found := 0
		for id, key := range keys {
			_, ok := w.Find(key)
			if ok == slices.Contains(lost, id) {
				t.Errorf("%s is found: %t", id, ok)
			}
			if ok {
				found++
			}
		}
		if !errors.Is(w.Damage(), storage.ErrDamaged) || len(w.List()) != len(keys)-len(lost) || !slices.Contains(w.Problems(), w.Damage()) {
			t.Errorf("%d are in the list; damage: %v; problems: %v", len(w.List()), w.Damage(), w.Problems())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		t.Logf("%d of %d keys are found, and it was told of %d times in an hour: %v", found, len(keys), w.trouble.Load(), w.Damage())
		if w.trouble.Load() != 1 {
			t.Errorf("it was told of %d times", w.trouble.Load())
		}
		w.wantFound(w.create("new", demo), "new")
		if w.Damage() == nil {
			t.Error("a new key makes that forgotten")
		}
	})
}

// hiding is a backend in which damage hides the record of a key, and that tells of no changes.
type hiding struct {
	storage.Backend
	hidden storage.Key // none if it is zero
	events chan storage.Event
}

func (h *hiding) Watch(context.Context, string) (<-chan storage.Event, error) { return h.events, nil }

func (h *hiding) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	if key == h.hidden {
		return storage.Record{}, storage.ErrDamaged
	}
	return h.Backend.Get(ctx, key)
}

func (h *hiding) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	page, err := h.Backend.List(ctx, bucket, prefix, after, limit)
	if err != nil || h.hidden.ID == "" {
		return page, err
	}
	return slices.DeleteFunc(page, func(r storage.Record) bool { return r.Key == h.hidden }), storage.ErrDamaged
}

func TestAKeyThatWasReadServesOnWhereDamageHidesIt(t *testing.T) {
	w := newWorld(t)
	hidden, revoked, halted := w.create("hidden", demo), w.create("revoked", demo), w.create("halted", demo)
	b := &hiding{Backend: w.backend, events: make(chan storage.Event)}
	k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: b, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	defer close(b.events)
	found := func(key string) bool { _, ok := k.Find(key); return ok }
	if err := w.Revoke(t.Context(), "revoked"); err != nil { // by another process
		t.Fatal(err)
	}
	w.file.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
	if err := k.Revoke(t.Context(), "halted"); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatal(err)
	}
	w.file.OnDelete(nil)
	b.hidden = storage.Key{Bucket: callerkey.Bucket, ID: "key/hidden"}
	b.events <- storage.Event{Missed: true} // so that all are read again
	eventually(t, "a revoked key is not found", func() bool { return !found(revoked) })
	if !found(hidden) || found(halted) || !errors.Is(k.Damage(), storage.ErrDamaged) || len(k.List()) != 2 {
		t.Errorf("found: the hidden one %t, one that was revoked here %t; damage: %v; %d are in the list", found(hidden), found(halted), k.Damage(), len(k.List()))
	}
	if err := k.Revoke(t.Context(), "hidden"); !errors.Is(err, storage.ErrDamaged) || found(hidden) {
		t.Errorf("Revoke returned %v, and the key is found: %t", err, found(hidden))
	}
	b.hidden = storage.Key{}
	b.events <- storage.Event{Missed: true}
	eventually(t, "the damage is gone", func() bool { return k.Damage() == nil })
}
