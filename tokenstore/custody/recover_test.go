package custody_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func recovery(t *testing.T, database string, key seal.Key) custody.Recover {
	t.Helper()
	return custody.Recover{Database: database, Into: filepath.Join(t.TempDir(), "recovered.db"), Key: key, Now: now}
}

func TestRecoveringASoundDatabaseCopiesIt(t *testing.T) {
	key := newKey(t, 1)
	path := newDatabase(t, key, 30)
	before := read(t, path)
	r := recovery(t, path, key)
	done, err := r.Run(t.Context())
	must(t, err)
	if !done.Complete() || done.Records != 30+keysets || done.Path != r.Into {
		t.Errorf("%+v", done)
	}
	if n := sound(t, r.Into, key); n != 30 {
		t.Errorf("%d records", n)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the database was changed")
	}
	wantOnly(t, filepath.Dir(r.Into), "recovered.db")
}

func TestRecoverNamesWhatTheSealRefuses(t *testing.T) {
	key := newKey(t, 1)
	path := newDatabase(t, key, 30)
	s := open(t, path)
	a := storage.Key{Bucket: connections, ID: id(7)}
	r, err := s.Get(t.Context(), a)
	must(t, err)
	other, err := s.Get(t.Context(), storage.Key{Bucket: connections, ID: id(8)})
	must(t, err)
	r.Value = other.Value // whose checksum is right here
	_, err = s.Put(t.Context(), r)
	must(t, err)
	must(t, s.Close())
	rec := recovery(t, path, key)
	done, err := rec.Run(t.Context())
	must(t, err)
	if diff := cmp.Diff([]storage.Key{a}, done.Lost); diff != "" || done.Records != 29+keysets {
		t.Errorf("%d records; %s", done.Records, diff)
	}
	if n := sound(t, rec.Into, key); n != 29 {
		t.Errorf("%d records", n)
	}
}

// What bbolt cannot open, or panics about, is recovered all the same.
func TestRecoverSavesTheRestOfAFileThatIsDamagedAnywhere(t *testing.T) {
	const records = 120
	key := newKey(t, 1)
	whole := read(t, newDatabase(t, key, records))
	full := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		damaged := bytes.Clone(whole)
		page := 4096 * r.IntN(len(damaged)/4096)
		for i := range 4096 {
			damaged[page+i] = byte(r.Uint32())
		}
		path := filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(path, damaged, 0o600))
		rec := recovery(t, path, key)
		done, err := rec.Run(t.Context())
		must(t, err)
		n := sound(t, rec.Into, key)
		if n == records {
			full++
		}
		if done.Complete() && n != records {
			t.Errorf("seed %d: %d records, and nothing is told", seed, n)
		}
	}
	if full == 0 || full == 40 {
		t.Errorf("%d of 40 files had all records", full)
	}
}

func TestRecoverRefuses(t *testing.T) {
	key := newKey(t, 1)
	path := newDatabase(t, key, 3)
	r := recovery(t, path, newKey(t, 2))
	if _, err := r.Run(t.Context()); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	wantOnly(t, filepath.Dir(r.Into))
	r.Key = key
	must(t, os.WriteFile(r.Into, nil, 0o600))
	if _, err := r.Run(t.Context()); !errors.Is(err, custody.ErrExists) {
		t.Errorf("a file that is there: %v", err)
	}
	r.Into += "2"
	open(t, path)
	if _, err := r.Run(t.Context()); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("an open database: %v", err)
	}
}

func TestARecoveryCanBeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := recovery(t, newDatabase(t, newKey(t, 1), 3), newKey(t, 1))
	if _, err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	wantOnly(t, filepath.Dir(r.Into))
}
