package tokenstore_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func renamed(b []byte, from, to string) []byte {
	return bytes.Replace(b, []byte(`"`+from+`"`), []byte(`"`+to+`"`), 1)
}

func TestWhatAFailureMeansForTheConnection(t *testing.T) {
	answer := func(status int, body string) standin.Fault {
		return standin.Fault{
			GrantType: "refresh_token", Times: standin.Always, Status: status, Body: body, ContentType: "application/json",
		}
	}
	for name, tc := range map[string]struct {
		fault  standin.Fault
		err    error
		state  tokenstore.State
		reason tokenstore.Reason
		pauses bool
	}{
		"invalid_grant: the grant is gone": {
			answer(400, `{"error":"invalid_grant"}`), tokenstore.ErrConsentNeeded, tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked, false,
		},
		"invalid_client: the provider pauses, and no grant dies": {
			answer(401, `{"error":"invalid_client"}`), tokenstore.ErrMisconfigured, tokenstore.StateRetrying, "", true,
		},
		"a 503 passes": {
			answer(503, `busy`), tokenstore.ErrUnavailable, tokenstore.StateRetrying, "", false,
		},
		"a 403 of some proxy says nothing about the grant": {
			answer(403, `<html>no VPN</html>`), tokenstore.ErrUnavailable, tokenstore.StateRetrying, "", false,
		},
		"garbage says nothing about the grant": {
			standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 200, Garbage: standin.HTML}, tokenstore.ErrUnavailable, tokenstore.StateRetrying, "", false,
		},
		"a redirect is not followed and says nothing about the grant": {
			standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 307, Redirect: "http://127.0.0.1:1/"}, tokenstore.ErrUnavailable, tokenstore.StateRetrying, "", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
				w.connect(demo)
				time.Sleep(5 * time.Hour)
				w.server.Script(tc.fault)
				if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tc.err) {
					t.Errorf("Token returned %v, want %v", err, tc.err)
				}
				w.wantState(tc.state, tc.reason)
				if paused := len(w.seen.pauses) > 0; paused != tc.pauses {
					t.Errorf("the provider paused: %v", w.seen.pauses)
				}
				if s := w.status(); !s.HasRefreshToken || s.Generation != 1 {
					t.Errorf("the grant was touched: %+v", s)
				}
				w.server.ClearFaults()
				time.Sleep(2 * time.Hour)
				if tc.state != tokenstore.StateNeedsConsent && !w.accepted(w.token()) {
					t.Error("the connection does not recover")
				}
			})
		})
	}
}

func TestAPresentTokenIsServedWhateverHappensToItsRefresh(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 400, Body: `{"error":"invalid_grant"}`, ContentType: "application/json"})
		time.Sleep(59 * time.Minute)
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked)
		w.wantRefreshes(1)
		if !w.accepted(w.token()) {
			t.Error("the token that is still valid is not served")
		}
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{MinTTL: 30 * time.Minute}); err != nil {
			t.Errorf("with more time than it has left: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrConsentNeeded) {
			t.Errorf("after its expiry: %v", err)
		}
	})
}

func TestCallersWaitOutTheBackoffInsteadOfTheServer(t *testing.T) {
	inWorld(t, standin.Options{}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 503, Header: map[string][]string{"Retry-After": {"120"}}})
		for range 100 {
			_, err := w.Token(t.Context(), demo, tokenstore.Want{})
			var u *tokenstore.UnavailableError
			if !errors.As(err, &u) || u.RetryAfter < time.Second {
				t.Fatalf("Token returned %v", err)
			}
			time.Sleep(time.Second)
		}
		w.wantRefreshes(1)
		time.Sleep(30 * time.Second)
		w.token()
		w.wantRefreshes(2)
	})
}

func TestAServerThatIsDownIsNotAskedForEveryConnection(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		for i := range 200 {
			w.connect(tokenstore.ID{Provider: "demo", Name: string(rune('a'+i%26)) + string(rune('a'+i/26))})
		}
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 502})
		time.Sleep(time.Hour)
		if n := w.server.Refreshes(); n > 40 {
			t.Errorf("a server that is down was asked %d times in ten minutes", n)
		}
		w.server.ClearFaults()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for _, states := range w.Census() {
			if states[tokenstore.StateReady] != 200 {
				t.Errorf("after it came back: %v", states)
			}
		}
	})
}

func TestAReloadThatMendsTheClientEndsThePause(t *testing.T) {
	inWorld(t, standin.Options{}, func(c *tokenstore.ProviderConfig) { c.ClientID = "mistyped" }, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrMisconfigured) {
			t.Fatalf("Token returned %v", err)
		}
		if n := w.server.Refreshes(); n > 12 {
			t.Errorf("a server that refuses the client was asked %d times", n)
		}
		mended := w.newProvider(nil)
		detach := w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{mended}, Observer: w.seen})
		defer detach()
		w.detach()
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}
