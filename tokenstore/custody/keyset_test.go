package custody_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Whichever page is lost, the keyset is not: its two copies are in different pages.
func TestNoDamagedPageLosesTheKeyset(t *testing.T) {
	const records = 50
	key := newKey(t, 1)
	path := newDatabase(t, key, records)
	s := open(t, path)
	sealer, err := seal.Open(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	must(t, sealer.AddPrimary(t.Context()))
	for i := range 20 {
		putSealed(t, s, sealer, records+i, "token")
	}
	must(t, s.Close())
	whole, pages := read(t, path), 0
	for at := 0; at < len(whole); at += page {
		damaged := bytes.Clone(whole)
		r := rand.New(rand.NewPCG(uint64(at), 1))
		for i := range page {
			damaged[at+i] = byte(r.Uint32())
		}
		path := filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(path, damaged, 0o600))
		rec := recovery(t, path, key)
		if _, err := rec.Run(t.Context()); err != nil {
			t.Errorf("page %d: %v", at/page, err)
			continue
		}
		sound(t, rec.Into, key)
		for _, k := range keysetKeys() {
			mustGet(t, rec.Into, k)
		}
		pages++
	}
	t.Logf("%d pages", pages)
}

func keysetKeys() []storage.Key {
	first, second := seal.KeysetKeys()
	return []storage.Key{first, second}
}

func mustGet(t *testing.T, path string, key storage.Key) storage.Record {
	t.Helper()
	s := open(t, path)
	defer s.Close() //nolint:errcheck // only read
	r, err := s.Get(t.Context(), key)
	must(t, err)
	return r
}

// rebuilt makes a database of the records of another, without those of a key.
func rebuilt(t *testing.T, path string, without storage.Key, with ...storage.Record) string {
	t.Helper()
	found, err := bolt.Salvage(t.Context(), path, bolt.Options{})
	must(t, err)
	for _, r := range found.Records {
		if r.Key != without {
			with = append(with, r)
		}
	}
	built := filepath.Join(t.TempDir(), "tokens.db")
	must(t, os.WriteFile(built, nil, 0o600))
	must(t, bolt.Build(built, with))
	return built
}

func TestADatabaseWithOneCopyOfTheKeysetIsKeptLikeAnyOther(t *testing.T) {
	key, next := newKey(t, 1), newKey(t, 2)
	for _, lost := range keysetKeys() {
		path := rebuilt(t, newDatabase(t, key, 10), lost)
		saved, restored := filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "tokens.db")
		backup, err := custody.SaveOffline(t.Context(), path, saved, nil)
		must(t, err)
		if backup.Fingerprint != key.Fingerprint() {
			t.Errorf("without %v: the fingerprint is %s", lost, backup.Fingerprint)
		}
		_, err = custody.Restore{Backup: saved, Database: restored, Key: key, Now: now}.Run(t.Context())
		must(t, err)
		rec := recovery(t, path, key)
		done, err := rec.Run(t.Context())
		must(t, err)
		if !done.Complete() || done.Records != 10+keysets {
			t.Errorf("without %v: recovered %+v", lost, done)
		}
		must(t, custody.ChangeKey(t.Context(), path, key, next))
		for path, key := range map[string]seal.Key{restored: key, rec.Into: key, path: next} {
			if n := sound(t, path, key); n != 10 {
				t.Errorf("without %v: %d records", lost, n)
			}
		}
		if a, b := mustGet(t, path, keysetKeys()[0]), mustGet(t, path, keysetKeys()[1]); !bytes.Contains(b.Value, a.Value) {
			t.Error("after a change of the encryption key the copies differ")
		}
	}
}

// A copy of the keyset in a page that was given up may lack the newest key.
func TestRecoverBelievesTheNewerCopyOfTheKeyset(t *testing.T) {
	key := newKey(t, 1)
	path := newDatabase(t, key, 10)
	for _, older := range keysetKeys() {
		before := mustGet(t, path, older)
		s := open(t, path)
		sealer, err := seal.Open(t.Context(), s, key, tokenstore.SealedBuckets()...)
		must(t, err)
		must(t, sealer.AddPrimary(t.Context()))
		_, err = sealer.Reseal(t.Context(), seal.ResealOptions{})
		must(t, err)
		must(t, s.Close())
		rec := recovery(t, rebuilt(t, path, older, before), key)
		done, err := rec.Run(t.Context())
		must(t, err)
		if !done.Complete() || done.Records != 10+keysets {
			t.Errorf("an older %v: %+v", older, done)
		}
	}
}
