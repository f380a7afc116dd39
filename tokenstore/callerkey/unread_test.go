package callerkey_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// unread is a backend that cannot be read for a while.
type unread struct {
	storage.Backend
	failing atomic.Bool
}

func (u *unread) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	if u.failing.Load() {
		return storage.Record{}, storage.ErrUnavailable
	}
	return u.Backend.Get(ctx, key)
}

func (u *unread) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	if u.failing.Load() {
		return nil, storage.ErrUnavailable
	}
	return u.Backend.List(ctx, bucket, prefix, after, limit)
}

func TestKeysThatCannotBeReadAtTheStartAreReadLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.create("backend", demo)
		backend := &unread{Backend: w.backend}
		backend.failing.Store(true)
		var troubles []error
		k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: backend, Now: w.now, Trouble: func(_ string, err error) { troubles = append(troubles, err) }})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		time.Sleep(time.Hour)
		synctest.Wait()
		if id, ok := k.Find(key); ok || len(troubles) < 100 || !errors.Is(troubles[0], storage.ErrUnavailable) {
			t.Errorf("found %+v, %t, and %d troubles", id, ok, len(troubles))
		}
		backend.failing.Store(false)
		time.Sleep(10 * time.Second)
		if id, ok := k.Find(key); !ok || id.Name != "backend" {
			t.Errorf("found %+v, %t", id, ok)
		}
		told := len(troubles)
		time.Sleep(time.Hour)
		if len(troubles) != told {
			t.Errorf("%d troubles more", len(troubles)-told)
		}
	})
}

// What another process revokes is refused, though the storage cannot be read, and what
// it makes is learnt when that can be.
func TestWhatOthersChangeWhileTheStorageCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		backend := &unread{Backend: w.backend}
		k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: backend, Now: w.now})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		old := w.create("old", demo)
		synctest.Wait()
		backend.failing.Store(true)
		if err := w.Revoke(t.Context(), "old"); err != nil {
			t.Fatal(err)
		}
		fresh := w.create("fresh", demo)
		synctest.Wait()
		if id, ok := k.Find(old); ok {
			t.Errorf("found %+v", id)
		}
		if err := k.Revoke(t.Context(), "fresh"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Revoke returned %v", err)
		}
		backend.failing.Store(false)
		time.Sleep(10 * time.Second)
		if id, ok := k.Find(fresh); !ok || id.Name != "fresh" {
			t.Errorf("found %+v, %t", id, ok)
		}
	})
}

// A storage that hangs keeps nobody from refusing a key.
func TestAKeyIsRefusedWhileTheStorageHangs(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	began, hang := make(chan struct{}), make(chan struct{})
	w.file.OnPut(func(storage.Record) error { close(began); <-hang; return nil })
	created, revoked := make(chan error, 1), make(chan error, 1)
	go func() {
		_, _, err := w.Create(t.Context(), callerkey.Spec{Name: "other", Scope: demo})
		created <- err
	}()
	<-began
	go func() { revoked <- w.Revoke(t.Context(), "backend") }()
	eventually(t, "the key is refused", func() bool { _, ok := w.Find(key); return !ok })
	close(hang)
	if err := errors.Join(<-created, <-revoked); err != nil {
		t.Error(err)
	}
	w.wantRefused(key)
}
