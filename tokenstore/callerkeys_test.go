package tokenstore_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestCallerKeysLiveInTheStore(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		_, key, err := w.CallerKeys().Create(t.Context(), callerkey.Spec{
			Name: "backend", Scope: callerkey.Scope{Connections: []string{demo.String()}}, ExpiresAt: w.now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.restart()
		if id, ok := w.CallerKeys().Find(key.Reveal()); !ok || id.Name != "backend" {
			t.Errorf("found %+v, %t", id, ok)
		}
		time.Sleep(time.Hour)
		if id, ok := w.CallerKeys().Find(key.Reveal()); ok {
			t.Errorf("found %+v after its end", id)
		}
		keys := w.CallerKeys()
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := keys.Create(t.Context(), callerkey.Spec{Name: "a", Scope: callerkey.Scope{Connections: []string{"a/b"}}}); !errors.Is(err, tokenstore.ErrClosed) {
			t.Errorf("Create of a closed store returned %v", err)
		}
		file, err := os.ReadFile(w.path)
		if err != nil || bytes.Contains(file, []byte(key.Reveal()[15:])) {
			t.Errorf("the key is in the file, or %v", err)
		}
	})
}

func TestADamagedCallerKeyIsToldToWhoeverAttaches(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		_, _, err := w.CallerKeys().Create(t.Context(), callerkey.Spec{Name: "backend", Scope: callerkey.Scope{Connections: []string{"a/b"}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.backend.Get(t.Context(), storage.Key{Bucket: callerkey.Bucket, ID: "key/backend"})
		if err != nil {
			t.Fatal(err)
		}
		r.Value = nil
		if _, err := w.backend.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.seen.troubles = nil
		w.restart()
		if len(w.seen.troubles) != 1 || !strings.Contains(w.seen.troubles[0], `caller key "backend"`) {
			t.Errorf("told is %q", w.seen.troubles)
		}
	})
}
