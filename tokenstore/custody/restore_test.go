package custody_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func sum(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func TestRestoreIntoAnEmptyPlace(t *testing.T) {
	key := newKey(t, 1)
	backup := newDatabase(t, key, 20)
	before := read(t, backup)
	path := filepath.Join(t.TempDir(), "tokens.db")
	done, err := custody.Restore{Backup: backup, Database: path, Key: key, Now: now}.Run(t.Context())
	must(t, err)
	if done.Path != path || done.Records != 20+keysets || done.Aside != "" {
		t.Errorf("got %+v", done)
	}
	if n := sound(t, path, key); n != 20 {
		t.Errorf("%d records", n)
	}
	if !bytes.Equal(read(t, backup), before) {
		t.Error("the backup was changed")
	}
	wantOnly(t, filepath.Dir(path), "tokens.db")
}

func TestRestoreOverADatabaseKeepsItUnderAnotherName(t *testing.T) {
	key := newKey(t, 1)
	backup, path := newDatabase(t, key, 20), newDatabase(t, key, 5)
	former := read(t, path)
	r := custody.Restore{Backup: backup, Database: path, Key: key, Now: now}
	if _, err := r.Run(t.Context()); !errors.Is(err, custody.ErrExists) {
		t.Fatalf("without Replace: %v", err)
	}
	if !bytes.Equal(read(t, path), former) {
		t.Error("without Replace: the database was changed")
	}
	r.Replace = true
	done, err := r.Run(t.Context())
	must(t, err)
	if want := path + ".replaced-20260131T120000Z"; done.Aside != want || !bytes.Equal(read(t, want), former) {
		t.Errorf("the former database is at %s, want %s; or it was changed", done.Aside, want)
	}
	if n := sound(t, path, key); n != 20 {
		t.Errorf("%d records", n)
	}
}

func TestRestoringSeveralTimesInASecondKeepsEveryFormerFile(t *testing.T) {
	key := newKey(t, 1)
	backup, path := newDatabase(t, key, 20), newDatabase(t, key, 5)
	r := custody.Restore{Backup: backup, Database: path, Key: key, Now: now, Replace: true}
	names := []string{"tokens.db"}
	for _, suffix := range []string{"", "-2", "-3"} {
		former := read(t, path)
		done, err := r.Run(t.Context())
		must(t, err)
		want := path + ".replaced-20260131T120000Z" + suffix
		if done.Aside != want || !bytes.Equal(read(t, want), former) {
			t.Errorf("the former database is at %s, want %s; or it was changed", done.Aside, want)
		}
		names = append(names, filepath.Base(want))
	}
	wantOnly(t, filepath.Dir(path), names...)
	t.Logf("%d restores within a second left %d files", len(names)-1, len(names))
}

func TestRestoreReplacesADamagedDatabase(t *testing.T) {
	key := newKey(t, 1)
	backup, path := newDatabase(t, key, 20), filepath.Join(t.TempDir(), "tokens.db")
	must(t, os.WriteFile(path, []byte("this was a database"), 0o600))
	_, err := custody.Restore{Backup: backup, Database: path, Key: key, Now: now, Replace: true}.Run(t.Context())
	must(t, err)
	if n := sound(t, path, key); n != 20 {
		t.Errorf("%d records", n)
	}
}

func TestRestoreRefusesWhatDoesNotOpenAndMovesNothing(t *testing.T) {
	key := newKey(t, 1)
	tests := map[string]struct {
		change func(t *testing.T, backup string)
		key    seal.Key
		want   error
	}{
		"another key": {func(*testing.T, string) {}, newKey(t, 2), seal.ErrWrongKey},
		"no key":      {func(*testing.T, string) {}, seal.Key{}, seal.ErrInvalidKey},
		"a backup that others can read": {func(t *testing.T, backup string) {
			must(t, os.Chmod(backup, 0o644))
		}, key, storage.ErrInsecure},
		"a backup that was cut off": {func(t *testing.T, backup string) { must(t, os.Truncate(backup, 9000)) }, key, storage.ErrDamaged},
		"a backup of nothing": {func(t *testing.T, backup string) {
			must(t, os.Remove(backup))
			must(t, open(t, backup).Close())
		}, key, seal.ErrKeysetMissing},
		"a record with a flipped bit": {func(t *testing.T, backup string) {
			s := open(t, backup)
			r, err := s.Get(t.Context(), storage.Key{Bucket: connections, ID: id(3)})
			must(t, err)
			r.Value[len(r.Value)-1] ^= 1
			_, err = s.Put(t.Context(), r)
			must(t, err)
			must(t, s.Close())
		}, key, custody.ErrUnsound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			backup, path := newDatabase(t, key, 20), newDatabase(t, key, 5)
			tt.change(t, backup)
			former, source := read(t, path), read(t, backup)
			_, err := custody.Restore{Backup: backup, Database: path, Key: tt.key, Now: now, Replace: true}.Run(t.Context())
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if !bytes.Equal(read(t, path), former) || !bytes.Equal(read(t, backup), source) {
				t.Error("a file was changed")
			}
			wantOnly(t, filepath.Dir(path), "tokens.db")
		})
	}
}

func TestRestoreTellsWhatComesBack(t *testing.T) {
	key := newKey(t, 1)
	path, backup := newDatabase(t, key, 600), filepath.Join(t.TempDir(), "backup.db")
	_, err := custody.SaveOffline(t.Context(), path, backup, nil)
	must(t, err)
	s := open(t, path)
	gone := storage.Key{Bucket: connections, ID: id(555)}
	r, err := s.Get(t.Context(), gone)
	must(t, err)
	must(t, s.Delete(t.Context(), gone, r.Revision))
	must(t, s.Close())
	done, err := custody.Restore{Backup: backup, Database: path, Key: key, Now: now, Replace: true}.Run(t.Context())
	must(t, err)
	if diff := cmp.Diff([]storage.Key{gone}, done.Returned); diff != "" {
		t.Error(diff)
	}
}
