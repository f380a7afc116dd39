// Package storagetest is the suite that every [storage.Backend] must pass, and a
// backend with scripted faults for the tests of what is built on one.
//
// A backend's own tests call [Run], and [RunReopen] if what it keeps outlives it:
//
//	func TestContract(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storage.Backend {
//			return mustOpen(t, filepath.Join(t.TempDir(), "tokens.db"))
//		})
//	}
package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// patience is how long the suite waits for what must happen. It is generous,
// since it passes only when a test fails.
const patience = 30 * time.Second

// moment is how long the suite waits for what must not happen.
const moment = 20 * time.Millisecond

// Run checks the backends that open returns against the contract of
// [storage.Backend], one sentence of it a subtest, and then against a model with
// random operations.
//
// open must return a new, empty backend each time. Run closes it.
func Run(t *testing.T, open func(t *testing.T) storage.Backend) {
	for _, group := range []struct {
		name  string
		cases []sentence
	}{
		{"records", recordSentences},
		{"list", listSentences},
		{"due", dueSentences},
		{"lease", leaseSentences},
		{"watch", watchSentences},
		{"life", lifeSentences},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, s := range group.cases {
				t.Run(s.name, func(t *testing.T) {
					s.check(t, opened(t, open))
				})
			}
		})
	}
	t.Run("model", func(t *testing.T) { runModel(t, open) })
}

// sentence is a promise of the contract and how to see that it is kept.
type sentence struct {
	name  string
	check func(t *testing.T, b storage.Backend)
}

func opened(t *testing.T, open func(t *testing.T) storage.Backend) storage.Backend {
	t.Helper()
	b := open(t)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

func mustPut(t *testing.T, b storage.Backend, r storage.Record) storage.Record {
	t.Helper()
	revision, err := b.Put(t.Context(), r)
	if err != nil {
		t.Fatalf("Put(%v): %v", r.Key, err)
	}
	r.Revision = revision
	return r
}

func mustGet(t *testing.T, b storage.Backend, key storage.Key) storage.Record {
	t.Helper()
	r, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%v): %v", key, err)
	}
	return r
}

func mustDelete(t *testing.T, b storage.Backend, r storage.Record) {
	t.Helper()
	if err := b.Delete(t.Context(), r.Key, r.Revision); err != nil {
		t.Fatalf("Delete(%v): %v", r.Key, err)
	}
}

func wantError(t *testing.T, call string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", call, got, want)
	}
}

// patient returns a context for a call that must not take for ever.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ended returns a context that has ended already.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func key(id string) storage.Key { return storage.Key{Bucket: "connections", ID: id} }

func record(id string) storage.Record {
	return storage.Record{Key: key(id), Value: []byte("value of " + id)}
}
