package tokenstore_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestThreeThousandThatAreDueAtOnceAreRefreshedOnceEachAndSpread(t *testing.T) {
	const n, took = 3000, 200 * time.Millisecond
	options := standin.Options{Rotation: standin.RotateAlways, AccessLifetime: 2 * time.Hour, JournalSize: 2 * n}
	pace := func(c *tokenstore.ProviderConfig) { c.MaxConcurrent, c.MaxPerSecond = 41, 1000 }
	inWorld(t, options, pace, func(t *testing.T, w *world) {
		w.connectMany(n)
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour) // all have long expired
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Delay: took})
		start := time.Now()
		w.open()
		time.Sleep(time.Minute)
		w.wantRefreshes(n)
		if atOnce := w.most(took); atOnce > 40 { // one is left for whoever asks
			t.Errorf("%d calls at once", atOnce)
		}
		journal := w.server.Journal()
		if d := journal[len(journal)-1].Time.Sub(start); d > n/40*took+5*time.Second {
			t.Errorf("%d refreshes, 40 at once, took %s", n, d)
		}
		if ready := w.Census()[demo.Provider][tokenstore.StateReady]; ready != n {
			t.Errorf("%d are ready", ready)
		}
		list, _, err := w.List(t.Context(), "", "", n)
		if err != nil {
			t.Fatal(err)
		}
		minutes := map[int64]int{}
		for _, s := range list {
			minutes[s.NextRefresh.Unix()/60]++
		}
		// Those of a quarter of a minute are spread over the half of the lead time.
		for minute, calls := range minutes {
			if calls > n/2 {
				t.Errorf("%d of the next round in minute %d", calls, minute)
			}
		}
	})
}

// most returns the most refreshes that came within d.
func (w *world) most(d time.Duration) (most int) {
	var times []time.Time
	for _, e := range w.server.Journal() {
		if e.GrantType == "refresh_token" {
			times = append(times, e.Time)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	first := 0
	for i, at := range times {
		for at.Sub(times[first]) >= d {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// slow is a second provider, whose refreshes can be told apart.
func (w *world) slow() *tokenstore.Provider {
	return w.newProvider(func(c *tokenstore.ProviderConfig) {
		c.Name, c.RefreshURL = "slow", w.server.ContentURL()+"/hangs"
	})
}

func TestAProviderThatHangsKeepsNoOtherWaiting(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Minute}, nil, func(t *testing.T, w *world) {
		defer w.attach(w.provider, w.slow())()
		w.server.Script(standin.Fault{Path: "/hangs", Times: standin.Always, Delay: time.Hour})
		for i := range 200 {
			w.connect(tokenstore.ID{Provider: "slow", Name: strings.Repeat("x", i+1)})
		}
		w.connect(demo)
		for range 600 {
			time.Sleep(time.Second)
			if tok := w.token(); !w.accepted(tok) {
				t.Fatal("a token expired while another provider hung")
			}
		}
	})
}

func TestMoreThanOnePassOfAPausedProviderKeepsNoOtherWaiting(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		// All of the first provider are due before the other's, and then it is gone.
		w.connectMany(4200)
		last := tokenstore.ID{Provider: "last", Name: "auth"}
		other := w.newProvider(func(c *tokenstore.ProviderConfig) { c.Name = last.Provider })
		detach := w.attach(other)
		w.detach()
		defer detach()
		w.connect(last)
		for range 20 {
			time.Sleep(10 * time.Minute)
			if tok, err := w.Token(t.Context(), last, tokenstore.Want{}); err != nil || !w.accepted(tok) {
				t.Fatalf("Token returned %v", err)
			}
		}
		synctest.Wait()
		for _, e := range w.seen.refreshes {
			if e.ID == last && e.Trigger != tokenstore.TriggerSchedule {
				t.Errorf("a refresh was caused by %s", e.Trigger)
			}
		}
	})
}

func TestAConnectionThatWaitsIsNotForgottenForAnotherThatIsDueLater(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: 1, Status: 503})
		for len(w.seen.failures()) == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		failed := time.Now()
		later := tokenstore.ID{Provider: demo.Provider, Name: "later"}
		err := w.Import(t.Context(), later, tokenstore.Import{
			AccessToken: "a", RefreshToken: "r", ExpiresAt: w.now().Add(25 * time.Second),
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if s := w.status(); s.State != tokenstore.StateReady || s.RefreshedAt.Before(failed) {
			t.Errorf("ten seconds after a failure: %s, attempts %d", s.State, s.Attempts)
		}
	})
}

func TestRefreshPoliciesSayWhenNobodyAsks(t *testing.T) {
	for name, tc := range map[string]struct {
		policy   tokenstore.RefreshPolicy
		from, to int // refreshes in ten days of tokens that live four hours
	}{
		"eager ahead of each expiry":   {tokenstore.RefreshPolicy{Mode: tokenstore.RefreshEager}, 60, 64},
		"on_demand never":              {tokenstore.RefreshPolicy{Mode: tokenstore.RefreshOnDemand}, 0, 0},
		"keep_alive once in a period":  {tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive, Period: 48 * time.Hour}, 5, 6},
		"keep_alive in a short period": {tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive, Period: time.Hour}, 240, 270},
	} {
		t.Run(name, func(t *testing.T) {
			set := func(c *tokenstore.ProviderConfig) { c.Refresh = tc.policy }
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, set, func(t *testing.T, w *world) {
				w.connect(demo)
				time.Sleep(10 * 24 * time.Hour)
				if n := w.server.Refreshes(); n < tc.from || n > tc.to {
					t.Errorf("%d refreshes in ten days, want %d to %d", n, tc.from, tc.to)
				}
				if tok := w.token(); !w.accepted(tok) {
					t.Error("the token is not accepted")
				}
			})
		})
	}
}

func TestKeepAliveKeepsAGrantAliveThatDiesWhenIdle(t *testing.T) {
	options := standin.Options{Rotation: standin.RotateAlways, RefreshIdle: 24 * time.Hour}
	for _, policy := range []tokenstore.RefreshPolicy{{Mode: tokenstore.RefreshOnDemand}, {Mode: tokenstore.RefreshKeepAlive, Period: 20 * time.Hour}} {
		inWorld(t, options, func(c *tokenstore.ProviderConfig) { c.Refresh = policy }, func(t *testing.T, w *world) {
			w.connect(demo)
			time.Sleep(10 * 24 * time.Hour)
			_, err := w.Token(t.Context(), demo, tokenstore.Want{})
			if alive := policy.Mode == tokenstore.RefreshKeepAlive; alive != (err == nil) {
				t.Errorf("%s: %v", policy, err)
			}
		})
	}
}

func TestATokenOfUnknownLifetimeIsServedUntilItIsRefused(t *testing.T) {
	inWorld(t, standin.Options{OmitExpiresIn: true}, nil, func(t *testing.T, w *world) {
		if _, err := w.FinishConsent(t.Context(), w.approve(w.begin(demo))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		w.wantRefreshes(0)
		old := w.token()
		if w.accepted(old) || !old.ExpiresAt.IsZero() {
			t.Errorf("it expires at %s", old.ExpiresAt)
		}
		if tok, err := w.Rejected(t.Context(), old); err != nil || !w.accepted(tok) {
			t.Errorf("Rejected returned %v", err)
		}
		w.wantRefreshes(1)
	})
}

func TestALifetimeThatIsAssumedIsRefreshedByTheSchedule(t *testing.T) {
	assume := func(c *tokenstore.ProviderConfig) { c.AssumeTTL = time.Hour }
	inWorld(t, standin.Options{OmitExpiresIn: true, AccessLifetime: time.Hour}, assume, func(t *testing.T, w *world) {
		if _, err := w.FinishConsent(t.Context(), w.approve(w.begin(demo))); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			time.Sleep(10 * time.Minute)
			if !w.accepted(w.token()) {
				t.Fatal("the API refuses the token")
			}
		}
	})
}

func TestWhoeverWantsMoreTimeThanTokensHaveDoesNotHammerTheServer(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		for range 600 {
			time.Sleep(time.Second)
			if _, err := w.Token(t.Context(), demo, tokenstore.Want{MinTTL: 2 * time.Hour}); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.server.Refreshes(); n > 21 {
			t.Errorf("%d refreshes in ten minutes", n)
		}
		tok, err := w.Token(t.Context(), demo, tokenstore.Want{MinTTL: 59 * time.Minute})
		if err != nil || tok.ExpiresAt.Sub(w.now()) < 59*time.Minute {
			t.Errorf("what can be had is not given: %v", err)
		}
	})
}

func TestThePresentTokenIsServedDuringARefresh(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Stage: standin.After, Delay: 15 * time.Second})
		for range 59 * 4 {
			time.Sleep(15 * time.Second)
			before := time.Now()
			if w.token(); time.Since(before) != 0 {
				t.Fatal("a caller waited though there was a valid token")
			}
			synctest.Wait()
		}
		if w.server.Refreshes() == 0 {
			t.Error("there was no refresh")
		}
	})
}

func TestARefreshThatPanicsHarmsNobodyElse(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		bomb := &panicky{recorder: w.seen}
		defer w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider}, Observer: bomb})()
		ids := w.connectMany(3)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: 20, Status: 503})
		bomb.armed.Store(true)
		time.Sleep(3 * time.Hour)
		bomb.armed.Store(false)
		time.Sleep(2 * time.Hour)
		for _, id := range ids {
			if tok, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil || !w.accepted(tok) {
				t.Errorf("%s: %v", id, err)
			}
		}
		synctest.Wait()
		if len(w.seen.troubles) == 0 {
			t.Error("nobody was told of the panic")
		}
		for _, trouble := range w.seen.troubles {
			if strings.Contains(trouble, "canary-panic") {
				t.Error("the panic's value is told")
			}
		}
	})
}

// lingering is an observer that an import takes a while to tell.
type lingering struct{ tokenstore.NopObserver }

func (lingering) Consented(tokenstore.ID) { time.Sleep(100 * time.Millisecond) }

func TestWhatFallsDueWhileItsImportIsStillUnderWayIsRefreshedRightBehindIt(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		g, err := w.server.IssueGrant(clientID)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider}, Observer: lingering{}})()
		if err := w.Import(t.Context(), demo, tokenstore.Import{RefreshToken: g.RefreshToken}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.wantRefreshes(1)
	})
}
