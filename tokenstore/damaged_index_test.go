package tokenstore_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// indexLeaves returns where in a file the leaves of its due index are: pages in which no element has a value, and each key is a
// time and the id of a connection.
func indexLeaves(file []byte) (places []int) {
	order, each := binary.NativeEndian, os.Getpagesize()
	for at := 2 * each; at < len(file); at += each {
		page := file[at : at+each]
		n := int(order.Uint16(page[10:]))
		leaf := order.Uint16(page[8:]) == 2 && order.Uint64(page) == uint64(at/each) && n > 0 && 16*(n+1) < each
		for i := 0; leaf && i < n; i++ {
			e := page[16*(i+1):]
			key, value := int(order.Uint32(e[4:])), order.Uint32(e[12:])
			leaf = value == 0 && key+12 < len(e) && bytes.HasPrefix(e[key+12:], []byte(demo.Provider+"/"))
		}
		if leaf {
			places = append(places, at)
		}
	}
	return places
}

// A page of the index of due times is damaged, in a real file. Every connection is refreshed in its time and survives a crash,
// and nothing is kept in memory only.
func TestADamagedPageOfTheIndexCostsNoGrant(t *testing.T) {
	const connections = 150 // more than one page has room for
	lifetime := standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}
	for name, damage := range map[string]func(page []byte){
		"zeroed":              func(page []byte) { clear(page) },
		"another page's":      func(page []byte) { page[0] ^= 1 },
		"without its entries": func(page []byte) { binary.NativeEndian.PutUint16(page[10:], 0) },
		"of impossible times": func(page []byte) { // and of ids that nobody has
			for i := 16 * (binary.NativeEndian.Uint16(page[10:]) + 1); int(i) < len(page); i++ {
				page[i] = math.MaxUint8
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pages, told, refreshed := 0, 0, 0
			// Some are free pages with what was once in them, and nobody notices.
			for n := 0; told < 1 && n < 20; n++ {
				inWorld(t, lifetime, nil, func(t *testing.T, w *world) {
					ids := w.connectMany(connections)
					if err := w.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
					file, err := os.ReadFile(w.path)
					if err != nil {
						t.Fatal(err)
					}
					places := indexLeaves(file)
					damage(file[places[n%len(places)]:][:os.Getpagesize()])
					if err := os.WriteFile(w.path, file, 0o600); err != nil {
						t.Fatal(err)
					}
					pages++
					w.open()
					refreshed += liveThrough(t, w, ids)
					if len(w.seen.troubles) > 0 {
						told++
					}
				})
			}
			t.Logf("%d pages of %d connections, damage in %d of which was told, refreshed %d times", pages, connections, told, refreshed)
			if told < 1 {
				t.Error("no page that was damaged is in use")
			}
		})
	}
}

// liveThrough lets a store with a damaged index refresh its connections, which nobody asks for, crash, and go on. It returns how many
// refreshes there were before the crash.
func liveThrough(t *testing.T, w *world, ids []tokenstore.ID) (refreshed int) {
	wantFresh := func(when string) {
		synctest.Wait()
		for _, id := range ids {
			if s, err := w.Status(t.Context(), id); err != nil || !s.ExpiresAt.After(w.now()) || !s.NextRefresh.After(w.now()) {
				t.Errorf("%s %s: expired %s ago, was due %s ago: %v", id, when, w.now().Sub(s.ExpiresAt), w.now().Sub(s.NextRefresh), err)
			}
		}
	}
	time.Sleep(time.Hour)
	wantFresh("after an hour")
	refreshed = w.server.Refreshes()
	if len(w.seen.unsaved) > 0 {
		t.Errorf("%d times a token was in memory only", len(w.seen.unsaved))
	}
	w.crash()
	w.open()
	time.Sleep(time.Hour)
	wantFresh("after the crash")
	for _, id := range ids {
		if tok, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil || !w.accepted(tok) {
			t.Errorf("%s: %v", id, err)
		}
	}
	return refreshed
}
