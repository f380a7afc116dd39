package tokenstore_test

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func (w *world) attach(providers ...*tokenstore.Provider) (detach func()) {
	return w.Attach(tokenstore.Attachment{Providers: providers, Observer: w.seen})
}

func TestAReloadKeepsWhatIsInForceUntilTheOldOneIsDetached(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		next := w.newProvider(func(c *tokenstore.ProviderConfig) { c.Scopes = []string{"new"} })
		detachNext := w.attach(next)
		if p, _ := w.Provider(demo.Provider); p != next {
			t.Error("the new configuration is not in force")
		}
		w.detach() // the reload succeeded
		w.detach() // a second time is no error
		if p, _ := w.Provider(demo.Provider); p != next {
			t.Error("the detaching of the old configuration took the new one away")
		}
		w.token()
		detachNext()
		if _, known := w.Provider(demo.Provider); known {
			t.Error("there is a provider without a configuration")
		}
	})
}

func TestAFailedReloadLeavesTheOldConfigurationInForce(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		detachFailed := w.attach() // without the provider
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("in between: %v", err)
		}
		detachFailed()
		detachFailed()
		if p, _ := w.Provider(demo.Provider); p != w.provider {
			t.Error("the old configuration is not in force")
		}
		w.token()
	})
}

func TestTokensOfARemovedProviderAreNotHandedOut(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		tok := w.token()
		detach := w.attach()
		for name, err := range map[string]error{
			"Token": second(w.Token(t.Context(), demo, tokenstore.Want{})), "Rejected": second(w.Rejected(t.Context(), tok)),
			"Refresh": second(w.Refresh(t.Context(), demo)),
		} {
			if !errors.Is(err, tokenstore.ErrNotFound) {
				t.Errorf("%s returned %v", name, err)
			}
		}
		time.Sleep(24 * time.Hour)
		w.wantRefreshes(0)
		detach() // and when it is back, its connections are
		time.Sleep(time.Minute)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestARefreshThatEndsAfterItsProviderIsGoneKeepsTheGrantAndServesNobody(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 5 * time.Second})
		go func() { _, _ = w.Token(t.Context(), demo, tokenstore.Want{}) }()
		time.Sleep(time.Second)
		detach := w.attach()
		time.Sleep(10 * time.Second)
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Token returned %v", err)
		}
		detach()
		if tok := w.token(); !w.accepted(tok) || tok.Generation != 2 {
			t.Errorf("generation %d", tok.Generation)
		}
		w.wantRefreshes(1)
	})
}

func TestAReloadThatEndsAPauseTellsSo(t *testing.T) {
	inWorld(t, standin.Options{}, func(c *tokenstore.ProviderConfig) { c.ClientID = "mistyped" }, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		defer w.attach(w.newProvider(nil))()
		w.detach()
		synctest.Wait()
		if n := len(w.seen.pauses); n < 2 || !w.seen.pauses[n-1].Until.IsZero() {
			t.Errorf("the observer was told %+v", w.seen.pauses)
		}
	})
}

func TestAReloadDoesNotDoubleTheRate(t *testing.T) {
	slow := func(c *tokenstore.ProviderConfig) { onDemand(c); c.MaxPerSecond = 1 }
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, slow, func(t *testing.T, w *world) {
		ids := w.connectMany(4)
		time.Sleep(5 * time.Hour)
		start := time.Now()
		for i, id := range ids {
			detach := w.attach(w.newProvider(func(c *tokenstore.ProviderConfig) { slow(c); c.Scopes = []string{strconv.Itoa(i)} }))
			defer detach()
			if _, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d < time.Duration(i)*time.Second {
				t.Errorf("%d calls were made within %s", i+1, d)
			}
		}
		t.Logf("%d calls with as many settings within %s", len(ids), time.Since(start))
	})
}
