package storagetest_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/storagetest"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

func open(t *testing.T) storage.Backend {
	b, err := bolt.Open(filepath.Join(t.TempDir(), "tokens.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestFaultyWithoutScriptKeepsTheContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Backend { return storagetest.NewFaulty(open(t)) })
}

func TestFaultyFailsByScript(t *testing.T) {
	f := storagetest.NewFaulty(open(t))
	planned := errors.New("planned")
	r := storage.Record{Key: storage.Key{Bucket: "b", ID: "a"}}
	put := func() error { _, err := f.Put(t.Context(), r); return err }
	want := func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: got error %v, want %v", what, got, want)
		}
	}

	f.FailPuts(2, planned)
	want("first of two that fail", put(), planned)
	want("second of two that fail", put(), planned)
	_, err := f.Get(t.Context(), r.Key)
	want("get after failed puts", err, storage.ErrNotFound)

	f.OnPut(func(storage.Record) error { return planned })
	want("put with hook", put(), planned)
	f.OnPut(nil)

	f.AfterPut(func(stored storage.Record) error { r.Revision = stored.Revision; return planned })
	want("put that is stored and fails", put(), planned)
	f.AfterPut(nil)
	want("put over the one that was stored", put(), nil)

	f.FailPuts(-1, planned)
	for range 3 {
		want("put while all fail", put(), planned)
	}
	f.FailPuts(0, nil)

	f.OnGet(func(storage.Key) error { return planned })
	_, err = f.Get(t.Context(), r.Key)
	want("get with hook", err, planned)
	f.OnDelete(func(storage.Key) error { return planned })
	want("delete with hook", f.Delete(t.Context(), r.Key, r.Revision), planned)
}
