package callerkey_test

import (
	"context"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// put overwrites a sealed record.
func (w *world) put(id string, value []byte) {
	w.t.Helper()
	r, err := w.file.Get(w.t.Context(), storage.Key{Bucket: callerkey.Bucket, ID: id})
	if err != nil {
		w.t.Fatal(err)
	}
	r.Value = value
	if _, err := w.file.Put(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func TestAKeyThatIsNotSavedIsNotGiven(t *testing.T) {
	spec := callerkey.Spec{Name: "backend", Scope: demo}
	tests := map[string]struct {
		fail   func(w *world)
		stored bool
	}{
		"as nothing was written":    {func(w *world) { w.file.FailPuts(1, storage.ErrUnavailable) }, false},
		"as nobody knows if it was": {func(w *world) { w.file.AfterPut(func(storage.Record) error { return storage.ErrUnavailable }) }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tt.fail(w)
			key, text, err := w.Create(t.Context(), spec)
			if !errors.Is(err, storage.ErrUnavailable) || !text.IsZero() || key.Name != "" {
				t.Fatalf("Create returned %+v, %v", key, err)
			}
			w.file.AfterPut(nil)
			w.restart()
			if got := len(w.List()) == 1; got != tt.stored {
				t.Errorf("the list is %+v", w.List())
			}
			if tt.stored {
				if _, _, err := w.Create(t.Context(), spec); !errors.Is(err, callerkey.ErrExists) {
					t.Errorf("Create returned %v", err)
				}
				if err := w.Revoke(t.Context(), "backend"); err != nil {
					t.Error(err)
				}
			}
			w.wantFound(w.create("backend", demo), "backend")
		})
	}
}

func TestARevokingThatFailsSaysSoAndHoldsUntilARestart(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	w.file.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
	if err := w.Revoke(t.Context(), "backend"); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("Revoke returned %v", err)
	}
	w.wantRefused(key)
	if len(w.List()) != 1 {
		t.Error("it is not in the list any more")
	}
	w.restart()
	w.wantFound(key, "backend")

	w.file.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
	_ = w.Revoke(t.Context(), "backend")
	w.file.OnDelete(nil)
	if err := w.Revoke(t.Context(), "backend"); err != nil {
		t.Error(err)
	}
	w.restart()
	w.wantRefused(key)
}

// A record that is read again must not bring back what was refused.
func TestARefusedKeyStaysRefusedWhenItIsReadAgain(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	w.file.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
	_ = w.Revoke(t.Context(), "backend")
	w.file.OnDelete(nil)
	read := make(chan struct{}, 10)
	w.file.OnGet(func(storage.Key) error { read <- struct{}{}; return nil })
	r, err := w.backend.List(t.Context(), callerkey.Bucket, "key/", "", 10)
	if err != nil || len(r) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := w.backend.Put(t.Context(), r[0]); err != nil {
		t.Fatal(err)
	}
	<-read
	w.create("other", demo) // waits until what was read is in force
	w.wantRefused(key)
}

func TestARevokingWhoseOutcomeIsUnknownCanBeRepeated(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	ctx, cancel := context.WithCancel(t.Context())
	w.file.OnDelete(func(storage.Key) error { cancel(); return nil })
	_ = w.Revoke(ctx, "backend")
	w.wantRefused(key)
	w.file.OnDelete(nil)
	if err := w.Revoke(t.Context(), "backend"); err != nil && !errors.Is(err, callerkey.ErrNotFound) {
		t.Errorf("Revoke returned %v", err)
	}
	w.restart()
	w.wantRefused(key)
}

func TestADamagedKeyKeepsNoOtherFromServing(t *testing.T) {
	tests := map[string]func(w *world){
		"nothing":           func(w *world) { w.put("key/backend", nil) },
		"something else":    func(w *world) { w.put("key/backend", []byte("something else")) },
		"another's record":  func(w *world) { w.put("key/backend", w.sealed("key/other")) },
		"a flipped bit":     func(w *world) { v := w.sealed("key/backend"); v[len(v)/2] ^= 1; w.put("key/backend", v) },
		"an older format":   func(w *world) { w.write(`{"v":0}`) },
		"a newer format":    func(w *world) { w.write(`{"v":2,"only_on_sundays":true}`) },
		"a new restriction": func(w *world) { w.write(`{"v":1,"id":"aaaaaaaaaa","only_on_sundays":true}`) },
		"no connection":     func(w *world) { w.write(`{"v":1,"id":"aaaaaaaaaa","scope":{}}`) },
		"two records":       func(w *world) { w.write(`{}{}`) },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key, other := w.create("backend", demo), w.create("other", demo)
			damage(w)
			eventually(t, "it is noticed", func() bool { return w.trouble.Load() > 0 })
			for range 2 {
				w.wantRefused(key)
				w.wantFound(other, "other")
				list, problems := w.List(), w.Problems()
				if len(list) != 2 || !list[0].Damaged || list[0].Name != "backend" || list[1].Damaged {
					t.Errorf("the list is %+v", list)
				}
				if len(problems) != 1 || !errors.Is(problems[0], callerkey.ErrDamaged) {
					t.Errorf("the problems are %v", problems)
				}
				w.restart()
			}
			if _, _, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo}); !errors.Is(err, callerkey.ErrExists) {
				t.Errorf("Create returned %v", err)
			}
			if err := w.Revoke(t.Context(), "backend"); err != nil {
				t.Fatal(err)
			}
			w.wantFound(w.create("backend", demo), "backend")
			if problems := w.Problems(); len(problems) != 0 {
				t.Errorf("the problems are %v", problems)
			}
		})
	}
}

func (w *world) sealed(id string) []byte {
	w.t.Helper()
	r, err := w.file.Get(w.t.Context(), storage.Key{Bucket: callerkey.Bucket, ID: id})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Value
}

// write replaces the record of the key backend by one that is sealed as it should be.
func (w *world) write(plain string) {
	w.t.Helper()
	r, err := w.backend.Get(w.t.Context(), storage.Key{Bucket: callerkey.Bucket, ID: "key/backend"})
	if err != nil {
		w.t.Fatal(err)
	}
	r.Value = []byte(plain)
	if _, err := w.backend.Put(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func TestWithoutRandomnessThereIsNoKey(t *testing.T) {
	w := newWorld(t)
	failed := errors.New("failed")
	k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: w.backend, Rand: iotest.ErrReader(failed)})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, text, err := k.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo}); !errors.Is(err, failed) || !text.IsZero() {
		t.Errorf("Create returned %v", err)
	}
}

func TestKeysOfAClosedStorageCannotBeOpened(t *testing.T) {
	w := newWorld(t)
	w.close()
	defer w.open()
	if _, err := callerkey.Open(t.Context(), callerkey.Options{Backend: w.backend}); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Open returned %v", err)
	}
}
