package tokenstore_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// slowly is a provider that may be called once in two seconds.
func slowly(c *tokenstore.ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = 0.5, 2 }

// withGhosts opens the world's store on a file with so many entries in its due index of connections that are not there.
func (w *world) withGhosts(n int) *longIndex {
	w.t.Helper()
	index := &longIndex{provider: demo.Provider, size: n}
	w.around(index, &index.Backend)
	return index
}

func TestWhatCannotBeRefreshedTakesNothingFromTheRateOfTheOthers(t *testing.T) {
	const damaged, ghosts, sound = 200, 200, 20
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, slowly, func(t *testing.T, w *world) {
		index := w.withGhosts(ghosts)
		w.connectMany(damaged)
		time.Sleep(time.Minute)
		ids := make([]tokenstore.ID, sound) // due after all others
		for i := range ids {
			ids[i] = tokenstore.ID{Provider: demo.Provider, Name: fmt.Sprintf("sound%02d", i)}
			w.connect(ids[i])
		}
		for i := range damaged {
			id := tokenstore.ID{Provider: demo.Provider, Name: fmt.Sprintf("c%04d", i)}
			v := w.raw(id).Value
			v[len(v)/2] ^= 1
			w.put(id, v)
		}
		w.restart() // nothing is in memory
		index.forgetTried()
		const hours = 24
		for range hours {
			time.Sleep(time.Hour)
			for _, id := range ids {
				before := time.Now()
				if tok, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil || time.Since(before) > 0 || !w.accepted(tok) {
					t.Fatalf("%s had to be waited for %s: %v", id, time.Since(before), err)
				}
			}
		}
		synctest.Wait()
		most := index.mostTried()
		t.Logf("%d refreshes of %d sound connections in a day, beside %d damaged ones and %d entries of nothing, tried at most %d times",
			len(w.seen.refreshes), sound, damaged, ghosts, most)
		if n := len(w.seen.refreshes); n < 6*sound || n > 7*sound {
			t.Errorf("%d refreshes of %d connections in a day", n, sound)
		}
		for _, e := range w.seen.refreshes {
			if e.Trigger != tokenstore.TriggerSchedule || e.Err != nil {
				t.Errorf("%s was refreshed for the reason %s: %v", e.ID, e.Trigger, e.Err)
			}
		}
		// Ten times in the first hour, as the hold doubles, and then each hour.
		if most < hours || most > 10+hours {
			t.Errorf("one was tried %d times in a day", most)
		}
	})
}

func TestWhatWasTriedInVainIsLookedAtAgainAsSoonAsItIsWritten(t *testing.T) {
	inDamage(t, func(t *testing.T, w *world, _ tokenstore.ID) {
		time.Sleep(5 * time.Hour) // it is held for an hour by now
		before := w.server.Refreshes()
		g, err := w.server.IssueGrant(clientID)
		if err != nil {
			t.Fatal(err)
		}
		// The first refresh is due at once.
		if err := w.Import(t.Context(), demo, tokenstore.Import{RefreshToken: g.RefreshToken}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.status(); w.server.Refreshes() == before || s.Generation != 2 {
			t.Errorf("a second later it is %s of generation %d", s.State, s.Generation)
		}
	})
}
