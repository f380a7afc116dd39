package tokenstore_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// tenants are providers of the world's server, and of another host.
func (w *world) tenants(adjust func(*tokenstore.ProviderConfig)) (a, b, elsewhere *tokenstore.Provider) {
	named := func(name string, more func(*tokenstore.ProviderConfig)) *tokenstore.Provider {
		return w.newProvider(func(c *tokenstore.ProviderConfig) {
			if adjust != nil {
				adjust(c)
			}
			if c.Name = name; more != nil {
				more(c)
			}
		})
	}
	return named("a", nil), named("b", nil), named("elsewhere", func(c *tokenstore.ProviderConfig) {
		c.TokenURL = w.server.APIURL() + "/oauth2/token"
	})
}

func idOf(provider string) tokenstore.ID { return tokenstore.ID{Provider: provider, Name: "auth"} }

// ask asks for a token without the forced refresh that a pause does not hold back.
func (w *world) ask(provider string) error {
	return second(w.Token(w.t.Context(), idOf(provider), tokenstore.Want{}))
}

// bringDown lets provider a find out that its server is down.
func (w *world) bringDown() {
	w.t.Helper()
	w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 502})
	for range 5 {
		_, _ = w.Refresh(w.t.Context(), idOf("a"))
	}
	synctest.Wait()
}

// pausedNow tells which providers are paused by all that the observer was told, and until when.
func (w *world) pausedNow() map[string]time.Time {
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	paused := map[string]time.Time{}
	for _, e := range w.seen.pauses {
		if paused[e.Provider] = e.Until; e.Until.IsZero() {
			delete(paused, e.Provider)
		}
	}
	return paused
}

func (w *world) wantPaused(names ...string) {
	w.t.Helper()
	if got := slices.Sorted(maps.Keys(w.pausedNow())); !slices.Equal(got, names) {
		w.t.Errorf("the observer knows of pauses of %q, want %q", got, names)
	}
}

func TestProvidersOfOneTokenHostShareItsBreaker(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		a, b, elsewhere := w.tenants(onDemand)
		defer w.attach(a, b, elsewhere)()
		for _, p := range []string{"a", "b", "elsewhere"} {
			w.connect(idOf(p))
		}
		time.Sleep(5 * time.Hour)
		w.bringDown()
		w.wantPaused("a", "b")
		if until := w.pausedNow(); until["a"] != until["b"] {
			t.Errorf("they are paused until %s", until)
		}
		before := w.server.Refreshes()
		var u *tokenstore.UnavailableError
		if err := w.ask("b"); !errors.As(err, &u) || u.Reason != "status" || u.RetryAfter <= 0 || u.RetryAfter > 10*time.Second {
			t.Errorf("another provider of the host: %v", err)
		}
		if n := w.server.Refreshes() - before; n != 0 {
			t.Errorf("a server that is down was asked %d times more", n)
		}
		if err := w.ask("elsewhere"); errors.As(err, &u) && u.Reason == "status" && u.Err == nil {
			t.Errorf("a provider of another host: %v", err)
		}
		w.server.ClearFaults()
		time.Sleep(11 * time.Second)
		err := w.ask("b") // whichever asks first is the probe for all
		if errors.As(err, &u) {
			time.Sleep(time.Second) // the background was first, and its probe was on its way
			err = w.ask("b")
		}
		if err != nil {
			t.Errorf("after the pause: %v", err)
		}
		synctest.Wait()
		w.wantPaused()
	})
}

func TestOneCallOfAHostsProvidersProbesAndThenAllAreReleased(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		a, b, _ := w.tenants(nil)
		defer w.attach(a, b)()
		for _, p := range []string{"a", "b"} {
			for i := range 20 {
				w.connect(tokenstore.ID{Provider: p, Name: string(rune('a' + i))})
			}
		}
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 502})
		time.Sleep(58 * time.Minute)
		w.wantPaused("a", "b")
		before := w.server.Refreshes()
		time.Sleep(20 * time.Minute)
		if n := w.server.Refreshes() - before; n < 3 || n > 5 {
			t.Errorf("%d probes in twenty minutes, want one each five minutes for both providers", n)
		}
		w.server.ClearFaults()
		for waited := 0; len(w.pausedNow()) > 0 && waited < 400; waited++ {
			time.Sleep(time.Second)
		}
		w.wantPaused()
		// Each connection that had tried for itself waits out its own backoff, and all others are refreshed.
		time.Sleep(15 * time.Second)
		for _, provider := range []string{"a", "b"} {
			if n := w.Census()[provider][tokenstore.StateReady]; n < 15 {
				t.Errorf("of provider %s %d connections are ready", provider, n)
			}
		}
	})
}

func TestWhatAServerHasAgainstOneProviderStaysThatProvidersOwn(t *testing.T) {
	for name, fault := range map[string]standin.Fault{
		"a refused client": refusal("invalid_client"),
		"Retry-After":      {GrantType: "refresh_token", Status: 429, Header: map[string][]string{"Retry-After": {"60"}}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
				a, b, _ := w.tenants(onDemand)
				defer w.attach(a, b)()
				w.connect(idOf("a"))
				w.connect(idOf("b"))
				time.Sleep(5 * time.Hour)
				w.server.Script(fault)
				_ = w.ask("a")
				w.wantPaused("a")
				if err := w.ask("b"); err != nil {
					t.Errorf("another provider of the host: %v", err)
				}
				w.wantPaused("a") // its success says nothing of the other one
				time.Sleep(2 * time.Minute)
				if err := w.ask("a"); err != nil {
					t.Errorf("after the pause: %v", err)
				}
				w.wantPaused()
			})
		})
	}
}

func TestAReloadEndsNoPauseOfAHostThatIsDown(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		a, b, _ := w.tenants(onDemand)
		detach := w.attach(a)
		w.connect(idOf("a"))
		time.Sleep(5 * time.Hour)
		w.server.Script(refusal("invalid_client"))
		_ = w.ask("a")
		w.bringDown()
		w.wantPaused("a")
		changed := w.newProvider(func(c *tokenstore.ProviderConfig) { onDemand(c); c.Name, c.Scopes = "a", []string{"new"} })
		detachNext := w.attach(changed, b)
		detach()
		w.wantPaused("a", "b") // the new one has heard of it too
		before := w.server.Refreshes()
		if err := w.ask("a"); !errors.Is(err, tokenstore.ErrUnavailable) {
			t.Errorf("it has other settings, and its server is down: %v", err)
		}
		if n := w.server.Refreshes() - before; n != 0 {
			t.Errorf("the server was asked %d times", n)
		}
		moved := w.newProvider(func(c *tokenstore.ProviderConfig) { onDemand(c); c.Name, c.RefreshURL = "a", w.server.APIURL() })
		defer w.attach(moved)()
		detachNext()
		synctest.Wait()
		w.wantPaused()
	})
}
