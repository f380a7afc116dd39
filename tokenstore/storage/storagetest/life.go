package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var lifeSentences = []sentence{
	{"every method returns the error of a context that has ended", func(t *testing.T, b storage.Backend) {
		for name, err := range callAll(ended(t), b) {
			wantError(t, name, err, context.Canceled)
		}
		_, err := b.Get(t.Context(), key("a"))
		wantError(t, "Get", err, storage.ErrNotFound) // nothing was put
	}},
	{"every method returns ErrClosed after close", func(t *testing.T, b storage.Backend) {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		for name, err := range callAll(t.Context(), b) {
			wantError(t, name, err, storage.ErrClosed)
		}
	}},
	{"closing twice is no error", func(t *testing.T, b storage.Backend) {
		for range 2 {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}},
	{"close ends who waits for a lease", func(t *testing.T, b storage.Backend) {
		held := mustLease(t, b, key("a"))
		waiter := make(chan error)
		go func() {
			_, err := b.Lease(patient(t), key("a"))
			waiter <- err
		}()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		wantError(t, "Lease", <-waiter, storage.ErrClosed)
		held.Release()
	}},
	{"calls under way while it closes succeed or return ErrClosed", func(t *testing.T, b storage.Backend) {
		var wg sync.WaitGroup
		started := make(chan struct{}, 8)
		for i := range cap(started) {
			wg.Go(func() {
				r := record(fmt.Sprint(i))
				started <- struct{}{}
				for {
					revision, err := b.Put(t.Context(), r)
					if err == nil {
						r.Revision = revision
						_, err = b.Get(t.Context(), r.Key)
					}
					if errors.Is(err, storage.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("got error %v, want ErrClosed", err)
						return
					}
				}
			})
		}
		for range cap(started) {
			<-started
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}},
}

func callAll(ctx context.Context, b storage.Backend) map[string]error {
	_, get := b.Get(ctx, key("a"))
	_, put := b.Put(ctx, record("a"))
	_, list := b.List(ctx, "connections", "", "", 1)
	_, due := b.Due(ctx, "connections", noon, storage.Due{}, 1)
	_, lease := b.Lease(ctx, key("a"))
	_, watch := b.Watch(ctx, "connections")
	return map[string]error{
		"Get": get, "Put": put, "Delete": b.Delete(ctx, key("a"), 1),
		"List": list, "Due": due, "Lease": lease, "Watch": watch,
	}
}
