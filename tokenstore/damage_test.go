package tokenstore_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// raw returns a connection's record as the storage has it.
func (w *world) raw(id tokenstore.ID) storage.Record {
	w.t.Helper()
	r, err := w.backend.Get(w.t.Context(), storage.Key{Bucket: "connections", ID: id.String()})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// put overwrites a connection's sealed record.
func (w *world) put(id tokenstore.ID, value []byte) {
	w.t.Helper()
	r := w.raw(id)
	r.Value = value
	if _, err := w.backend.Put(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

// damages are ways to damage the record of a connection in a file.
var damages = map[string]func(w *world, id tokenstore.ID){
	"a flipped bit under the seal": func(w *world, id tokenstore.ID) {
		v := w.raw(id).Value
		v[len(v)/2] ^= 1
		w.put(id, v)
	},
	"another connection's record": func(w *world, id tokenstore.ID) {
		w.put(id, w.raw(tokenstore.ID{Provider: demo.Provider, Name: "whole"}).Value)
	},
	"its own record of an older generation": func(w *world, id tokenstore.ID) {
		v := w.raw(id).Value
		v[8]++ // the generation, which the seal binds
		w.put(id, v)
	},
	"nothing": func(w *world, id tokenstore.ID) { w.put(id, nil) },
	"a flipped bit in the file": func(w *world, id tokenstore.ID) {
		value := w.raw(id).Value
		if err := w.Close(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		file, err := os.ReadFile(w.path)
		if err != nil {
			w.t.Fatal(err)
		}
		spoiled := bytes.Clone(value)
		spoiled[len(spoiled)/2] ^= 1
		if err := os.WriteFile(w.path, bytes.ReplaceAll(file, value, spoiled), 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.open()
	},
}

// inDamage runs a test on a store of two connections, demo of which is damaged.
func inDamage(t *testing.T, test func(*testing.T, *world, tokenstore.ID)) {
	whole := tokenstore.ID{Provider: demo.Provider, Name: "whole"}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
				w.connect(demo)
				w.connect(whole)
				damage(w, demo)
				w.restart() // nothing is in memory
				test(t, w, whole)
			})
		})
	}
}

func TestADamagedRecordIsToldAndKeepsNobodyElseFromServing(t *testing.T) {
	inDamage(t, func(t *testing.T, w *world, whole tokenstore.ID) {
		for range 30 {
			if tok, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrDamagedRecord) {
				t.Fatalf("Token returned %v, %v", tok, err)
			}
			if _, err := w.Refresh(t.Context(), demo); !errors.Is(err, tokenstore.ErrDamagedRecord) {
				t.Fatalf("Refresh returned %v", err)
			}
			tok, err := w.Token(t.Context(), whole, tokenstore.Want{})
			if err != nil || !w.accepted(tok) {
				t.Fatalf("the other one: %v", err)
			}
			time.Sleep(10 * time.Minute)
		}
		if s := w.status(); !s.Damaged || s.ID != demo {
			t.Errorf("status: %+v", s)
		}
		list, _, err := w.List(t.Context(), "", "", 10)
		if err != nil || len(list) != 2 || !list[0].Damaged || list[1].Damaged {
			t.Errorf("the list is %+v, %v", list, err)
		}
		if n := w.Census()[demo.Provider][tokenstore.StateReady]; n != 1 {
			t.Errorf("the census counts %d", n)
		}
	})
}

func TestADamagedRecordIsReplacedByAnImport(t *testing.T) {
	inDamage(t, func(t *testing.T, w *world, _ tokenstore.ID) {
		w.connect(demo)
		w.restart()
		if tok := w.token(); !w.accepted(tok) || w.status().Damaged {
			t.Errorf("status: %+v", w.status())
		}
		time.Sleep(5 * time.Hour)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("it is not refreshed")
		}
	})
}

func TestADamagedRecordIsReplacedByAConsent(t *testing.T) {
	inDamage(t, func(t *testing.T, w *world, _ tokenstore.ID) {
		if _, err := w.FinishConsent(t.Context(), w.approve(w.begin(demo))); err != nil {
			t.Fatal(err)
		}
		w.restart()
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}

func TestADamagedRecordCanBeDeleted(t *testing.T) {
	inDamage(t, func(t *testing.T, w *world, _ tokenstore.ID) {
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Status(t.Context(), demo); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Status returned %v", err)
		}
	})
}

func TestARecordOfANewerReleaseIsNotReplaced(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		newer := w.raw(demo).Value
		newer[0]++               // the format of the seal
		newer[len(newer)-1] ^= 1 // what it holds is nothing that this release can open
		w.put(demo, newer)
		w.restart()
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrNewerFormat) {
			t.Errorf("Token returned %v", err)
		}
		err := w.Import(t.Context(), demo, tokenstore.Import{AccessToken: "a"})
		if !errors.Is(err, tokenstore.ErrNewerFormat) {
			t.Errorf("Import returned %v", err)
		}
		if _, err := w.FinishConsent(t.Context(), w.approve(w.begin(demo))); !errors.Is(err, tokenstore.ErrNewerFormat) || w.exchanges() != 0 {
			t.Errorf("FinishConsent returned %v, and %d codes were spent", err, w.exchanges())
		}
		if got := w.raw(demo).Value; !bytes.Equal(got, newer) {
			t.Error("the record was changed")
		}
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Errorf("Delete returned %v", err)
		}
	})
}
