package tokenstore_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestARefreshedTokenIsSavedThoughTheDueIndexIsDamaged(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		index := w.withStuckIndex()
		ids := w.connectMany(40)
		index.stuck.Store(true)
		began := time.Now()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		calls := w.server.Refreshes()
		t.Logf("%d refreshes of %d connections in a day, the index was read %d times, and %d troubles were told",
			calls, len(ids), index.reads.Load(), len(w.seen.troubles))
		if calls < 6*len(ids) || calls > 7*len(ids) {
			t.Errorf("%d refreshes in a day of %d tokens that live for four hours", calls, len(ids))
		}
		if len(w.seen.unsaved) > 0 {
			t.Errorf("%d times a token was unsaved", len(w.seen.unsaved))
		}
		if n, minutes := len(w.seen.troubles), int(time.Since(began).Minutes()); n == 0 || n > minutes+1 {
			t.Errorf("%d troubles were told in %d minutes", n, minutes)
		}

		w.crash()
		w.open()
		time.Sleep(time.Minute)
		w.wantRefreshes(calls) // all are fresh
		for _, id := range ids {
			if tok, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil || !w.accepted(tok) {
				t.Errorf("%s after a crash: %v", id, err)
			}
		}
		time.Sleep(4 * time.Hour)
		if n := w.server.Refreshes() - calls; n < len(ids) || n > 2*len(ids) {
			t.Errorf("%d refreshes of %d connections in four hours after the crash", n, len(ids))
		}
	})
}

func TestWhatTheDueIndexHidesIsRefreshedWhenItIsDue(t *testing.T) {
	for name, connect := range map[string]func(*world, *stuckIndex){
		"a new connection that the index cannot take": func(w *world, index *stuckIndex) {
			index.stuck.Store(true)
			w.connect(demo)
		},
		"one that was asked for": func(w *world, index *stuckIndex) {
			w.connect(demo)
			index.stuck.Store(true)
			time.Sleep(5 * time.Hour)
			w.token()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
				index := w.withStuckIndex()
				index.hides.Store(true)
				connect(w, index)
				before := len(w.seen.refreshes)
				for range 24 {
					time.Sleep(time.Hour)
					if due := w.status().NextRefresh; due.Before(w.now()) {
						t.Errorf("it is due since %s", w.now().Sub(due))
					}
					if !w.accepted(w.token()) {
						t.Fatal("the token is not accepted")
					}
				}
				synctest.Wait()
				for _, e := range w.seen.refreshes[before:] {
					if e.Trigger != tokenstore.TriggerSchedule || e.Err != nil {
						t.Errorf("a refresh for the reason %s: %v", e.Trigger, e.Err)
					}
				}
				if n := len(w.seen.refreshes) - before; n < 6 || n > 7 {
					t.Errorf("%d refreshes in a day", n)
				}
			})
		})
	}
}

func TestARefreshThatFailsIsRetriedInItsTimeThoughTheDueIndexIsDamaged(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		index := w.withStuckIndex()
		w.connect(demo)
		index.stuck.Store(true)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: 8, Status: 400, Body: "{}"})
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		failed := len(w.seen.failures())
		t.Logf("%d failures in the last eight minutes of a token", failed)
		if failed != 8 {
			t.Errorf("%d failures", failed)
		}
		w.wantRefreshes(failed + 1)
		if !w.accepted(w.token()) {
			t.Error("the token is not accepted")
		}
	})
}

func TestAnIntentIsDurableThoughTheDueIndexIsDamaged(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		index := w.withStuckIndex()
		w.connect(demo)
		index.stuck.Store(true)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Delay: 10 * time.Second, Stage: standin.After})
		for w.server.Refreshes() == 0 {
			time.Sleep(time.Second)
		}
		w.crash() // with the answer on its way
		w.open()
		time.Sleep(time.Minute)
		synctest.Wait()
		last := w.seen.refreshes[len(w.seen.refreshes)-1]
		if last.Trigger != tokenstore.TriggerRecovery {
			t.Errorf("after the crash there was a refresh for the reason %s", last.Trigger)
		}
	})
}

func TestNothingIsSentWhereNoIntentCanBeSaved(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.backend.FailPuts(-1, storage.ErrDamaged)
		time.Sleep(24 * time.Hour)
		w.wantRefreshes(0)
		synctest.Wait()
		if n := len(w.seen.refreshes); n == 0 || n > 40 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

func TestAnIndexThatIsDamagedIsToldOfOnceAMinute(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: 5 * time.Second}, nil, func(t *testing.T, w *world) {
		index := w.withStuckIndex()
		w.connectMany(10) // flights that land all the time
		index.stuck.Store(true)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		told := 0
		for _, trouble := range w.seen.troubles {
			if strings.Contains(trouble, "damaged") {
				told++
			}
		}
		t.Logf("%d refreshes in three minutes, %d troubles told", w.server.Refreshes(), told)
		if told < 2 || told > 4 {
			t.Errorf("the damage was told of %d times in three minutes", told)
		}
	})
}
