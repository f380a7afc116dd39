package tokenstore_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// branchless is a storage in which a damaged branch hides records whose entries the index still has.
type branchless struct {
	storage.Backend
	hidden atomic.Pointer[map[storage.Key]bool]
	tried  atomic.Int64
}

func (b *branchless) hides(key storage.Key) bool {
	hidden := b.hidden.Load()
	return hidden != nil && (*hidden)[key]
}

func (b *branchless) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	if b.hides(key) {
		b.tried.Add(1)
		return storage.Record{}, storage.ErrDamaged
	}
	return b.Backend.Get(ctx, key)
}

func (b *branchless) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	all, err := b.Backend.List(ctx, bucket, prefix, after, 5000)
	n := len(all)
	seen := slices.DeleteFunc(all, func(r storage.Record) bool { return b.hides(r.Key) })
	if err == nil && len(seen) < n {
		err = storage.ErrDamaged
	}
	return seen[:min(len(seen), limit)], err
}

// seen returns how many records are not hidden.
func (b *branchless) seen(t *testing.T) int {
	all, err := b.List(t.Context(), "consents", "", "", 5000)
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("List returned %v", err)
	}
	return len(all)
}

// What is hidden expired first, and stays.
func TestWhatHasExpiredIsPurgedBehindWhatDamageHides(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
			const hidden, more = 300, 50
			b := new(branchless)
			w.wrap = func(file storage.Backend) storage.Backend {
				b.Backend = file
				return b
			}
			w.restart()
			w.fill(hidden)
			found, err := w.backend.List(t.Context(), "consents", "", "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			keys := map[storage.Key]bool{}
			for _, r := range found {
				keys[r.Key] = true
			}
			b.hidden.Store(&keys)
			if restarted {
				w.restart()
			}
			time.Sleep(time.Second)
			w.fill(more)
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := b.seen(t); n != 0 {
				t.Errorf("%d of %d that can be read were not purged", n, more)
			}
			// Whatever counted as open before does so no longer, and nothing else.
			w.fill(1100)
			if n := b.seen(t); n != 1000 {
				t.Errorf("%d are open", n)
			}
			t.Logf("%d are hidden, and were tried %d times in an hour", len(keys), b.tried.Load())
			if n := b.tried.Load(); n == 0 || n > 3*hidden {
				t.Errorf("what is hidden was tried %d times", n)
			}
		})
	}
}
