package tokenstore_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// begin begins the consent of a connection.
func (w *world) begin(id tokenstore.ID) tokenstore.Consent {
	w.t.Helper()
	c, err := w.BeginConsent(w.t.Context(), tokenstore.ConsentRequest{ID: id, RedirectURI: redirectURI, ReturnTo: "/back"})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// answer lets a person decide at the authorization server, and returns what it
// sends the browser back with.
func (w *world) answer(c tokenstore.Consent, decide func(context.Context, *http.Client, string) (*http.Response, error)) tokenstore.ConsentCallback {
	w.t.Helper()
	browser := *w.server.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := decide(w.t.Context(), &browser, c.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		w.t.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	q := back.Query()
	return tokenstore.ConsentCallback{
		Provider: demo.Provider, State: q.Get("state"), Code: q.Get("code"),
		Error: q.Get("error"), Issuer: q.Get("iss"), Binding: c.Binding,
	}
}

func (w *world) approve(c tokenstore.Consent) tokenstore.ConsentCallback {
	w.t.Helper()
	return w.answer(c, standin.Approve)
}

// exchanges returns how many codes were sent to the server.
func (w *world) exchanges() (n int) {
	for _, e := range w.server.Journal() {
		if e.GrantType == "authorization_code" {
			n++
		}
	}
	return n
}

func TestAConsentMakesAConnection(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, RequirePKCE: true}, nil, func(t *testing.T, w *world) {
		c := w.begin(demo)
		if want := w.now().Add(10 * time.Minute); !c.ExpiresAt.Equal(want) {
			t.Errorf("it expires at %s, want %s", c.ExpiresAt, want)
		}
		done, err := w.FinishConsent(t.Context(), w.approve(c))
		if err != nil {
			t.Fatal(err)
		}
		account := w.server.Families()[0].AccountID
		if done.ID != demo || done.ReturnTo != "/back" || done.Account != account {
			t.Errorf("finished: %+v", done)
		}
		w.wantState(tokenstore.StateReady, "")
		if s := w.status(); s.Account != account || !s.HasRefreshToken || s.Generation != 1 {
			t.Errorf("status: %+v", s)
		}
		w.restart()
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}

func TestANewConsentRevivesADeadConnection(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		g := w.connect(demo)
		w.server.RevokeFamily(g.Family)
		time.Sleep(5 * time.Hour)
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked)
		if _, err := w.FinishConsent(t.Context(), w.approve(w.begin(demo))); err != nil {
			t.Fatal(err)
		}
		w.wantState(tokenstore.StateReady, "")
		if s := w.status(); s.Generation != 2 {
			t.Errorf("generation %d", s.Generation)
		}
		time.Sleep(24 * time.Hour)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}

// TestAConsentThatIsNotInOrderStoresNothing has every way in which a callback
// can be wrong. None may reach the token endpoint, unless said otherwise.
func TestAConsentThatIsNotInOrderStoresNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil     func(*world, *tokenstore.ConsentCallback)
		want      error
		open      bool // the right callback is still accepted afterwards
		exchanges int
	}{
		"another browser, and the right one still can": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Binding = "of-another-browser" }, tokenstore.ErrOtherBrowser, true, 0,
		},
		"no cookie": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Binding = "" }, tokenstore.ErrOtherBrowser, true, 0,
		},
		"an unknown state": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.State = "made-up" }, tokenstore.ErrInvalidConsent, true, 0,
		},
		"no state": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.State = "" }, tokenstore.ErrInvalidConsent, true, 0,
		},
		"the binding in the place of the state": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.State = c.Binding }, tokenstore.ErrInvalidConsent, true, 0,
		},
		"a state that is ten minutes old": {
			func(*world, *tokenstore.ConsentCallback) { time.Sleep(10 * time.Minute) }, tokenstore.ErrInvalidConsent, false, 0,
		},
		"another provider's redirect URI": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Provider = "other" }, tokenstore.ErrInvalidConsent, false, 0,
		},
		"the person refused": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Code, c.Error = "", "access_denied" }, tokenstore.ErrConsentDenied, false, 0,
		},
		"an error and a code": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Error = "access_denied" }, tokenstore.ErrConsentDenied, false, 0,
		},
		"no code": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Code = "" }, tokenstore.ErrInvalidConsent, false, 0,
		},
		"another issuer": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Issuer = "https://attacker.example" }, tokenstore.ErrInvalidConsent, false, 0,
		},
		"no issuer": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Issuer = "" }, tokenstore.ErrInvalidConsent, false, 0,
		},
		"a code that the server does not know": {
			func(_ *world, c *tokenstore.ConsentCallback) { c.Code = "made-up" }, tokenstore.ErrInvalidConsent, false, 1,
		},
		"a server that is down": {
			func(w *world, _ *tokenstore.ConsentCallback) {
				w.server.Script(standin.Fault{GrantType: "authorization_code", Status: 503})
			}, tokenstore.ErrUnavailable, false, 1,
		},
		"a server that refuses the client": {
			func(w *world, _ *tokenstore.ConsentCallback) {
				w.server.Script(standin.Fault{GrantType: "authorization_code", Status: 401, Body: `{"error":"invalid_client"}`, ContentType: "application/json"})
			}, tokenstore.ErrMisconfigured, false, 1,
		},
		"a storage that takes no writes": {
			func(w *world, _ *tokenstore.ConsentCallback) {
				w.backend.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
			}, tokenstore.ErrUnavailable, true, 0,
		},
		"a storage that cannot be read": {
			func(w *world, _ *tokenstore.ConsentCallback) {
				w.backend.OnGet(func(k storage.Key) error {
					if k.Bucket == "connections" {
						return storage.ErrUnavailable
					}
					return nil
				})
			}, tokenstore.ErrUnavailable, false, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := func(c *tokenstore.ProviderConfig) { c.Issuer = "https://issuer.example" }
			inWorld(t, standin.Options{Issuer: "https://issuer.example"}, issuer, func(t *testing.T, w *world) {
				right := w.approve(w.begin(demo))
				wrong := right
				tc.spoil(w, &wrong)
				_, err := w.FinishConsent(t.Context(), wrong)
				if !errors.Is(err, tc.want) {
					t.Errorf("FinishConsent returned %v, want %v", err, tc.want)
				}
				w.backend.OnGet(nil)
				w.backend.OnDelete(nil)
				if n := w.exchanges(); n != tc.exchanges {
					t.Errorf("%d codes were sent to the server, want %d", n, tc.exchanges)
				}
				if _, err := w.Status(t.Context(), demo); !errors.Is(err, tokenstore.ErrNotFound) {
					t.Errorf("there is a connection: %v", err)
				}
				if _, err := w.FinishConsent(t.Context(), right); (err == nil) != tc.open {
					t.Errorf("the right callback afterwards: %v", err)
				}
			})
		})
	}
}

func TestAConsentIsFinishedOnce(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		callback := w.approve(w.begin(demo))
		results := make(chan error, 20)
		for range cap(results) {
			go func() {
				_, err := w.FinishConsent(t.Context(), callback)
				results <- err
			}()
		}
		won := 0
		for range cap(results) {
			if err := <-results; err == nil {
				won++
			} else if !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("FinishConsent returned %v", err)
			}
		}
		if won != 1 || w.exchanges() != 1 {
			t.Errorf("%d finished, and %d codes were sent", won, w.exchanges())
		}
	})
}

func TestWhatTheServerCallsARefusalIsToldOnlyIfItIsACode(t *testing.T) {
	for code, want := range map[string]string{
		"access_denied":                     "access_denied",
		"<script>alert(1)</script>":         "unknown",
		"a\nb":                              "unknown",
		"temporarily_unavailable":           "temporarily_unavailable",
		"Contact http://attacker.example !": "unknown",
	} {
		inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
			callback := w.answer(w.begin(demo), standin.Deny)
			if callback.Error != "access_denied" {
				t.Errorf("the server sent %q", callback.Error)
			}
			callback.Error = code
			_, err := w.FinishConsent(t.Context(), callback)
			var denied *tokenstore.ConsentDeniedError
			if !errors.As(err, &denied) || denied.Code != want || denied.ID != demo {
				t.Errorf("%q: FinishConsent returned %v, want the code %s", code, err, want)
			}
		})
	}
}

func TestAConsentForAnotherAccountChangesNothing(t *testing.T) {
	options := standin.Options{Rotation: standin.RotateAlways, Accounts: []standin.Account{
		{ID: "account-of-ada", Name: "Ada", Email: "ada@example.com"},
		{ID: "account-of-bob", Name: "Bob", Email: "bob@example.com"},
	}}
	inWorld(t, options, nil, func(t *testing.T, w *world) {
		as := func(email string) (tokenstore.FinishedConsent, error) {
			c := w.begin(demo)
			c.URL += "&login_hint=" + url.QueryEscape(email)
			return w.FinishConsent(t.Context(), w.approve(c))
		}
		if done, err := as("ada@example.com"); err != nil || done.Account != "account-of-ada" {
			t.Fatalf("%+v, %v", done, err)
		}
		before := w.status()
		if done, err := as("bob@example.com"); !errors.Is(err, tokenstore.ErrAccountChanged) || done.Account != "account-of-bob" {
			t.Errorf("%+v, %v", done, err)
		}
		if s := w.status(); s.Account != "account-of-ada" || s.Generation != before.Generation {
			t.Errorf("status: %+v", s)
		}
		if told := w.seen.troubles; len(told) != 1 || !strings.Contains(told[0], "demo/auth") || !strings.Contains(told[0], "another account") {
			t.Errorf("the observer was told %q", told)
		}
		// Bob's grants for the client may hang together at the server.
		if n := w.server.Requests("/oauth2/revoke"); n != 0 {
			t.Errorf("%d grants were revoked", n)
		}
		if _, err := as("ada@example.com"); err != nil {
			t.Errorf("the same account again: %v", err)
		}
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		if _, err := as("bob@example.com"); err != nil {
			t.Errorf("after the deletion: %v", err)
		}
	})
}

func TestACallerWhoLeavesDuringTheExchangeDoesNotLoseTheGrant(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		callback := w.approve(w.begin(demo))
		w.server.Script(standin.Fault{GrantType: "authorization_code", Stage: standin.After, Delay: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done, err := w.FinishConsent(ctx, callback)
		if !errors.Is(err, context.DeadlineExceeded) || done.ID != demo || done.ReturnTo != "/back" {
			t.Errorf("%+v, %v", done, err)
		}
		time.Sleep(10 * time.Second)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}

func TestAGrantThatCannotBeSavedIsServedAndSavedLater(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		callback := w.approve(w.begin(demo))
		w.backend.FailPuts(-1, storage.ErrUnavailable)
		if _, err := w.FinishConsent(t.Context(), callback); !errors.Is(err, tokenstore.ErrUnavailable) {
			t.Errorf("FinishConsent returned %v", err)
		}
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		if s := w.status(); !s.Unsaved {
			t.Errorf("status: %+v", s)
		}
		w.backend.FailPuts(0, nil)
		time.Sleep(2 * time.Second)
		w.crash()
		w.open()
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not in the file")
		}
	})
}

func TestAProviderThatNeedsNoConsentGetsNone(t *testing.T) {
	inWorld(t, standin.Options{}, clientCredentials, func(t *testing.T, w *world) {
		_, err := w.BeginConsent(t.Context(), tokenstore.ConsentRequest{ID: demo, RedirectURI: redirectURI})
		if !errors.Is(err, tokenstore.ErrNoConsent) {
			t.Errorf("BeginConsent returned %v", err)
		}
		if _, _, err := w.IssueTicket(t.Context(), demo); !errors.Is(err, tokenstore.ErrNoConsent) {
			t.Errorf("IssueTicket returned %v", err)
		}
	})
}

func clientCredentials(c *tokenstore.ProviderConfig) { c.Grant = tokenstore.GrantClientCredentials }

func TestTheScopesOfANewConsentAreThoseThatWereAskedForIfTheServerIsSilent(t *testing.T) {
	scopes := func(c *tokenstore.ProviderConfig) { c.Scopes = []string{"files.content.read", "files.metadata.read"} }
	inWorld(t, standin.Options{}, scopes, func(t *testing.T, w *world) {
		err := w.Import(t.Context(), demo, tokenstore.Import{AccessToken: "old", Scopes: []string{"files.content.read"}})
		if err != nil {
			t.Fatal(err)
		}
		if missing := w.status().MissingScopes; len(missing) != 1 {
			t.Errorf("missing: %v", missing)
		}
		callback := w.approve(w.begin(demo))
		w.server.Script(standin.Fault{
			GrantType: "authorization_code", Stage: standin.After,
			Rewrite: func(b []byte) []byte { return renamed(b, "scope", "no_scope") },
		})
		if _, err := w.FinishConsent(t.Context(), callback); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); len(s.MissingScopes) != 0 || len(s.Scopes) != 2 {
			t.Errorf("granted %v, missing %v", s.Scopes, s.MissingScopes)
		}
	})
}
