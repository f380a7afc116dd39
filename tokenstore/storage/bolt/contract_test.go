package bolt_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Backend { return mustOpen(t, newPath(t)) })
}

func TestContractAfterReopening(t *testing.T) {
	storagetest.RunReopen(t, func(t *testing.T, dir string) storage.Backend {
		return mustOpen(t, filepath.Join(dir, "tokens.db"))
	})
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "tokens.db") }

// mustOpen opens the database at path until the test ends or closes it.
func mustOpen(t *testing.T, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// bg is for child processes, which have no test.
var bg = context.Background()

func put(t *testing.T, s *bolt.Store, r storage.Record) storage.Record {
	t.Helper()
	revision, err := s.Put(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Revision = revision
	return r
}

// wantNoTemporaryFiles checks that the database is alone in its directory.
func wantNoTemporaryFiles(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}
