package storagetest

import (
	"context"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var leaseSentences = []sentence{
	{"a lease has one holder at a time", func(t *testing.T, b storage.Backend) {
		const rivals, rounds = 8, 25
		var wg sync.WaitGroup
		count := 0 // without a lock of its own: the race detector would tell
		for range rivals {
			wg.Go(func() {
				for range rounds {
					l, err := b.Lease(patient(t), key("a"))
					if err != nil {
						t.Errorf("Lease: %v", err)
						return
					}
					count++
					l.Release()
				}
			})
		}
		wg.Wait()
		if count != rivals*rounds {
			t.Errorf("counted %d of %d", count, rivals*rounds)
		}
	}},
	{"who waits for a lease gives up when its context ends", func(t *testing.T, b storage.Backend) {
		l := mustLease(t, b, key("a"))
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		_, err := b.Lease(ctx, key("a"))
		wantError(t, "Lease", err, context.DeadlineExceeded)
		l.Release()
		mustLease(t, b, key("a")).Release() // and leaves nothing behind
	}},
	{"leases of different keys are independent", func(t *testing.T, b storage.Backend) {
		for _, k := range []storage.Key{
			{Bucket: "a", ID: "b:c"}, {Bucket: "a:b", ID: "c"}, {Bucket: "a", ID: "b/c"}, {Bucket: "a/b", ID: "c"},
		} {
			defer mustLease(t, b, k).Release()
		}
	}},
	{"releasing twice does not release the next holder", func(t *testing.T, b storage.Backend) {
		first := mustLease(t, b, key("a"))
		first.Release()
		second := mustLease(t, b, key("a"))
		first.Release()
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		_, err := b.Lease(ctx, key("a"))
		wantError(t, "Lease", err, context.DeadlineExceeded)
		second.Release()
	}},
	{"a lease does not hinder get, put and delete", func(t *testing.T, b storage.Backend) {
		defer mustLease(t, b, key("a")).Release()
		r := mustPut(t, b, record("a"))
		mustGet(t, b, r.Key)
		mustDelete(t, b, r)
	}},
	{"a lease that is held is not lost", func(t *testing.T, b storage.Backend) {
		l := mustLease(t, b, key("a"))
		defer l.Release()
		select {
		case <-l.Lost():
			t.Error("lease is lost")
		default:
		}
	}},
}

func mustLease(t *testing.T, b storage.Backend, k storage.Key) storage.Lease {
	t.Helper()
	l, err := b.Lease(patient(t), k)
	if err != nil {
		t.Fatalf("Lease(%v): %v", k, err)
	}
	return l
}
