package callerkey_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/storagetest"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

// world is keys in a real database, sealed, whose storage can be made to fail.
type world struct {
	*callerkey.Keys
	t       testing.TB
	path    string
	key     seal.Key
	file    *storagetest.Faulty
	backend storage.Backend // sealed
	offset  atomic.Int64    // of the clock
	trouble atomic.Int64
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (w *world) now() time.Time          { return start.Add(time.Duration(w.offset.Load())) }
func (w *world) advance(d time.Duration) { w.offset.Add(int64(d)) }

func newWorld(t testing.TB) *world {
	t.Helper()
	key, _, err := seal.LoadOrCreateKeyFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, path: filepath.Join(t.TempDir(), "tokens.db"), key: key}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.t.Helper()
	file, err := bolt.Open(w.path, bolt.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.file = storagetest.NewFaulty(file)
	sealer, err := seal.Open(w.t.Context(), w.file, w.key, callerkey.Bucket)
	if err != nil {
		w.t.Fatal(err)
	}
	w.backend = sealer.Backend()
	w.Keys = w.another()
}

// another opens the keys once more, as another process would.
func (w *world) another() *callerkey.Keys {
	w.t.Helper()
	k, err := callerkey.Open(w.t.Context(), callerkey.Options{
		Backend: w.backend, Now: w.now, Trouble: func(string, error) { w.trouble.Add(1) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) close() {
	w.Close()
	if err := w.backend.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.close()
	w.open()
}

var demo = callerkey.Scope{Connections: []string{"dropbox-demo/auth"}}

// create makes a key that never ends.
func (w *world) create(name string, s callerkey.Scope) string {
	w.t.Helper()
	_, text, err := w.Create(w.t.Context(), callerkey.Spec{Name: name, Scope: s})
	if err != nil {
		w.t.Fatal(err)
	}
	return text.Reveal()
}

func (w *world) wantFound(presented, name string) {
	w.t.Helper()
	if id, ok := w.Find(presented); !ok || id.Name != name {
		w.t.Errorf("found %+v, %t; want %s", id, ok, name)
	}
}

func (w *world) wantRefused(presented string) {
	w.t.Helper()
	if id, ok := w.Find(presented); ok {
		w.t.Errorf("found %+v", id)
	}
}

// eventually waits for what another goroutine learns of the storage.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Errorf("it never happened that %s", what)
}
