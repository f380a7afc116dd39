package tokenstore_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// The whole index is gone, and a page of records too, as with a bad spot of a disk. All that can be read is refreshed.
func TestWhatIsBehindADamagedPageOfRecordsIsFoundTooWhereTheIndexIsLost(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		ids := w.connectMany(150)
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(w.path)
		if err != nil {
			t.Fatal(err)
		}
		each := os.Getpagesize()
		for _, at := range indexLeaves(file) {
			clear(file[at:][:each])
		}
		for at := 2 * each; at+each <= len(file); at += each {
			page := file[at:][:each]
			if binary.NativeEndian.Uint16(page[8:]) == 2 && bytes.Contains(page, []byte(ids[10].String())) {
				clear(page)
			}
		}
		if err := os.WriteFile(w.path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		w.open()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		lost, late := 0, 0
		for _, id := range ids {
			switch s, err := w.Status(t.Context(), id); {
			case err != nil || s.Damaged:
				lost++
			case s.ExpiresAt.Before(w.now()):
				late++
			}
		}
		t.Logf("%d records cannot be read, and %d of the others were not refreshed", lost, late)
		if lost == 0 || lost > 20 || late > 0 {
			t.Error("that is not as it should be")
		}
	})
}

func TestAnOpenIntentIsRecoveredAtOnceWhateverTheDamagedIndexSays(t *testing.T) {
	for name, hides := range map[string]bool{"it says tomorrow": false, "it says nothing": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: 24 * time.Hour, Grace: time.Hour}, nil, func(t *testing.T, w *world) {
				index := w.withStuckIndex()
				w.connect(demo)
				index.stuck.Store(true)
				w.server.Script(standin.Fault{GrantType: "refresh_token", Delay: 10 * time.Second, Stage: standin.After})
				go func() { _, _ = w.Refresh(t.Context(), demo) }()
				for w.server.Refreshes() == 0 {
					time.Sleep(time.Second)
				}
				w.crash() // with the answer on its way
				index.hides.Store(hides)
				before := len(w.seen.refreshes)
				w.open()
				time.Sleep(time.Minute)
				synctest.Wait()
				events := w.seen.refreshes[before:]
				if len(events) != 1 || events[0].Trigger != tokenstore.TriggerRecovery || events[0].Err != nil {
					t.Errorf("in the minute after the crash there was %+v", events)
				}
				if s := w.status(); s.State != tokenstore.StateReady {
					t.Errorf("the state is %s %s", s.State, s.Reason)
				}
			})
		})
	}
}

func TestAGrantIsSavedOverADamagedRecordThoughTheIndexIsDamagedToo(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		index := w.withStuckIndex()
		w.connect(demo)
		sealed := w.raw(demo).Value
		sealed[len(sealed)/2] ^= 1
		w.put(demo, sealed)
		w.restart()
		index.stuck.Store(true)
		w.connect(demo)
		w.crash()
		w.open()
		if !w.accepted(w.token()) {
			t.Error("the token is not accepted")
		}
	})
}

func TestWhatSleepsIsNotWokenByADamagedIndex(t *testing.T) {
	inWorld(t, standin.Options{}, sleepy, func(t *testing.T, w *world) {
		index := w.withStuckIndex()
		w.connectMany(50)
		time.Sleep(72 * time.Hour) // and they sleep
		index.stuck.Store(true)
		before := w.server.Refreshes()
		puts := 0
		w.backend.OnPut(func(storage.Record) error {
			puts++
			return nil
		})
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		w.backend.OnPut(nil)
		t.Logf("%d refreshes and %d writes in three hours", w.server.Refreshes()-before, puts)
		if n := w.server.Refreshes() - before; n > 0 || puts > 0 {
			t.Errorf("%d refreshes, %d writes", n, puts)
		}
		if index.reads.Load() == 0 {
			t.Error("the index was not read")
		}
	})
}

func TestTokensThatLiveForNoTimeAreRefreshedOnceASecondAtMost(t *testing.T) {
	adjust := func(c *tokenstore.ProviderConfig) { c.AssumeTTL = time.Millisecond }
	inWorld(t, standin.Options{}, adjust, func(t *testing.T, w *world) {
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: 1000, Status: 200, Body: `{"access_token":"x","token_type":"bearer"}`})
		w.connect(demo)
		if _, err := w.Refresh(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(w.seen.refreshes); n < 5 || n > 12 {
			t.Errorf("%d refreshes in ten seconds", n)
		}
	})
}
