package custody_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestTheEncryptionKeyIsChanged(t *testing.T) {
	former, next := newKey(t, 1), newKey(t, 2)
	path := newDatabase(t, former, 10)
	for range 2 { // the second time, as after a crash, there is nothing to do
		must(t, custody.ChangeKey(t.Context(), path, former, next))
		if n := sound(t, path, next); n != 10 {
			t.Errorf("%d records open with the new key", n)
		}
	}
	if err := custody.ChangeKey(t.Context(), path, former, newKey(t, 3)); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("with the former key: %v", err)
	}
}

func TestChangingTheKeyTouchesNothingItCannotChange(t *testing.T) {
	key := newKey(t, 1)
	path := newDatabase(t, key, 10)
	before := read(t, path)
	if err := custody.ChangeKey(t.Context(), path, newKey(t, 2), newKey(t, 3)); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("a wrong key: %v", err)
	}
	if err := custody.ChangeKey(t.Context(), path, key, seal.Key{}); !errors.Is(err, seal.ErrInvalidKey) {
		t.Errorf("no new key: %v", err)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the database was changed")
	}
	missing := filepath.Join(t.TempDir(), "missing.db")
	if err := custody.ChangeKey(t.Context(), missing, key, newKey(t, 2)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	wantOnly(t, filepath.Dir(missing))
	open(t, path)
	if err := custody.ChangeKey(t.Context(), path, key, newKey(t, 2)); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("an open database: %v", err)
	}
}
