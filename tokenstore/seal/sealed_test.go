package seal_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

func TestASealedBackendKeepsNothingInPlain(t *testing.T) {
	file, err := bolt.Open(filepath.Join(t.TempDir(), "tokens.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	key, _, err := seal.LoadOrCreateKeyFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Open(t.Context(), file, key, connections)
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.Open(t.Context(), file, key, connections) // another process
	if err != nil {
		t.Fatal(err)
	}
	b, theirs := sealer.Backend(), other.Backend()

	a := storage.Key{Bucket: connections, ID: "a"}
	empty, damaged := storage.Key{Bucket: connections, ID: "empty"}, storage.Key{Bucket: connections, ID: "damaged"}
	put := func(b storage.Backend, r storage.Record) {
		t.Helper()
		if _, err := b.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	put(b, storage.Record{Key: a, Value: []byte("canary")})
	put(b, storage.Record{Key: empty})
	put(file, storage.Record{Key: damaged, Value: []byte("\x01canary that was never sealed")})

	if r, err := file.Get(t.Context(), a); err != nil || bytes.Contains(r.Value, []byte("canary")) {
		t.Errorf("the file has %q, %v", r.Value, err)
	}
	if r, err := b.Get(t.Context(), a); err != nil || string(r.Value) != "canary" || r.Revision == 0 {
		t.Errorf("Get returned %+v, %v", r, err)
	}
	if r, err := b.Get(t.Context(), empty); err != nil || r.Value == nil || len(r.Value) != 0 {
		t.Errorf("Get returned %+v, %v", r, err)
	}
	if r, err := b.Get(t.Context(), damaged); !errors.Is(err, storage.ErrDamaged) || r.Value != nil {
		t.Errorf("Get returned %+v, %v", r, err)
	}
	list, err := b.List(t.Context(), connections, "", "", 10)
	if err != nil || len(list) != 3 || string(list[0].Value) != "canary" || list[1].Value != nil || list[1].Revision == 0 || list[2].Value == nil {
		t.Errorf("List returned %+v, %v", list, err)
	}
	if _, err := b.Put(t.Context(), storage.Record{Key: storage.Key{Bucket: "other", ID: "a"}}); !errors.Is(err, seal.ErrBinding) {
		t.Errorf("Put returned %v", err)
	}

	if err := other.AddPrimary(t.Context()); err != nil {
		t.Fatal(err)
	}
	newer := storage.Key{Bucket: connections, ID: "newer"}
	put(theirs, storage.Record{Key: newer, Value: []byte("canary")})
	if r, err := b.Get(t.Context(), newer); err != nil || string(r.Value) != "canary" {
		t.Errorf("Get of a record under a new key returned %+v, %v", r, err)
	}

	bound, err := sealer.Seal(seal.Binding{Bucket: connections, ID: "generation", Generation: 7}, []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	generation := storage.Key{Bucket: connections, ID: "generation"}
	put(file, storage.Record{Key: generation, Value: bound})
	if r, err := b.Get(t.Context(), generation); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("Get of a record with a generation returned %+v, %v", r, err)
	}
}
