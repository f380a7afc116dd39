package bolt_test

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		want error  // nil for any
		text string // part of the error, beside the path
	}{
		{"a directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, nil, "directory"},
		{"an empty file", write(0o600, nil), storage.ErrDamaged, "empty"},
		{"a text file", write(0o600, []byte("hello")), storage.ErrDamaged, ""},
		{"a large file of something else", write(0o600, []byte(strings.Repeat("hello\n", 5000))), storage.ErrDamaged, ""},
		{"a bbolt database of another program", bboltFile(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("records"))
			return err
		}), storage.ErrDamaged, "not of a token store"},
		{"a newer format", bboltFile(func(tx *bbolt.Tx) error {
			for _, name := range []string{"meta", "records", "due"} {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte{0, 0, 0, 2})
		}), bolt.ErrNewerFormat, "version 2"},
		{"a database that was cut off", func(t *testing.T, path string) {
			s := mustOpen(t, path)
			put(t, s, storage.Record{Key: storage.Key{Bucket: "b", ID: "a"}, Value: make([]byte, 1<<20)})
			must(t, s.Close())
			must(t, os.Truncate(path, 1<<16))
		}, storage.ErrDamaged, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := newPath(t)
			test.make(t, path)
			before := digest(t, path)
			_, err := bolt.Open(path, bolt.Options{})
			switch {
			case err == nil:
				t.Fatal("no error")
			case test.want != nil && !errors.Is(err, test.want):
				t.Errorf("got error %v, want %v", err, test.want)
			case !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.text):
				t.Errorf("error %q does not say %q and %q", err, path, test.text)
			}
			if digest(t, path) != before {
				t.Error("the file was changed")
			}
			wantNoTemporaryFiles(t, path)
		})
	}
}

func TestOpeningAndClosingLeavesTheFileUntouched(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	first := put(t, s, storage.Record{Key: storage.Key{Bucket: "b", ID: "a"}})
	put(t, s, first)
	must(t, s.Close())
	before := digest(t, path)
	s = mustOpen(t, path)
	if _, err := s.Get(t.Context(), first.Key); err != nil {
		t.Error(err)
	}
	must(t, s.Close())
	if digest(t, path) != before {
		t.Error("the file was changed")
	}
}

func TestPathIsAbsoluteAndClean(t *testing.T) {
	t.Chdir(t.TempDir())
	s := mustOpen(t, "a/../b//tokens.db")
	dir, err := os.Getwd()
	must(t, err)
	if want := filepath.Join(dir, "b", "tokens.db"); s.Path() != want {
		t.Errorf("Path is %q, want %q", s.Path(), want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(mode os.FileMode, content []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		must(t, os.WriteFile(path, content, mode))
		must(t, os.Chmod(path, mode))
	}
}

func bboltFile(fill func(*bbolt.Tx) error) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		db, err := bbolt.Open(path, 0o600, nil)
		must(t, err)
		must(t, db.Update(fill))
		must(t, db.Close())
	}
}

// digest returns the SHA-256 of a file, or zeros for a directory.
func digest(t *testing.T, path string) (sum [sha256.Size]byte) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return sum
	}
	b, err := os.ReadFile(path)
	must(t, err)
	return sha256.Sum256(b)
}
