package tokenstore_test

import (
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// sleepy is a provider whose connections sleep after a day; their tokens live for four hours.
func sleepy(c *tokenstore.ProviderConfig) { c.SleepAfter = 24 * time.Hour }

// wantRefreshesIn lets the time pass, and wants so many refreshes in it.
func (w *world) wantRefreshesIn(d time.Duration, from, to int) {
	w.t.Helper()
	before := w.server.Refreshes()
	time.Sleep(d)
	if n := w.server.Refreshes() - before; n < from || n > to {
		w.t.Errorf("%d refreshes in %s, want %d to %d", n, d, from, to)
	}
}

func TestAConnectionThatNobodyAsksForSleepsUntilSomebodyDoes(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, sleepy, func(t *testing.T, w *world) {
		w.connect(demo)
		w.wantRefreshesIn(28*time.Hour, 6, 7)
		w.wantRefreshesIn(4*24*time.Hour, 0, 0)
		if s := w.status(); s.State != tokenstore.StateReady || !s.NextRefresh.IsZero() {
			t.Errorf("it is %s, and due at %s", s.State, s.NextRefresh)
		}
		if !w.accepted(w.token()) {
			t.Error("the token is not accepted")
		}
		w.wantRefreshesIn(23*time.Hour, 5, 6)
		w.wantRefreshesIn(4*24*time.Hour, 0, 1)
	})
}

func TestAConnectionThatIsAskedForDoesNotSleep(t *testing.T) {
	for _, each := range []time.Duration{time.Minute, 3 * time.Hour, 23 * time.Hour} {
		inWorld(t, standin.Options{Rotation: standin.RotateAlways}, sleepy, func(t *testing.T, w *world) {
			w.connect(demo)
			for end := time.Now().Add(5 * 24 * time.Hour); time.Now().Before(end); time.Sleep(each) {
				before := time.Now()
				if w.token(); time.Since(before) != 0 {
					t.Fatal("a caller waited")
				}
			}
			if n := w.server.Refreshes(); n < 30 {
				t.Errorf("asked each %s: %d refreshes in five days", each, n)
			}
		})
	}
}

func TestWhenAConnectionWasAskedForOutlivesARestart(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, sleepy, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(20 * time.Hour)
		w.token()
		time.Sleep(4 * time.Hour)
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.open()
		w.wantRefreshesIn(19*time.Hour, 4, 6)
		w.wantRefreshesIn(4*24*time.Hour, 0, 1)
	})
}

func TestWhatDoesNotSleep(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust func(*tokenstore.ProviderConfig)
		least  int // refreshes in ten days
	}{
		"keep_alive": {func(c *tokenstore.ProviderConfig) {
			sleepy(c)
			c.Refresh = tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive, Period: 48 * time.Hour}
		}, 5},
		"anything, unless it is set to": {nil, 60},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, tc.adjust, func(_ *testing.T, w *world) {
				w.connect(demo)
				w.wantRefreshesIn(10*24*time.Hour, tc.least, 70)
			})
		})
	}
}
