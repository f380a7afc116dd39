package tokenstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestTokensAreRefreshedBeforeTheyExpireAndNobodyNotices(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Minute}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		for range 600 {
			time.Sleep(time.Second)
			if !w.accepted(w.token()) {
				t.Fatalf("the API refuses a token at %s", time.Now())
			}
		}
		if n := w.server.Refreshes(); n < 10 || n > 15 {
			t.Errorf("%d refreshes in ten minutes of tokens that live a minute", n)
		}
		if f := w.server.Families()[0]; f.Revoked || f.Generation != 1+w.server.Refreshes() {
			t.Errorf("the grant is %+v", f)
		}
	})
}

func TestManyCallersOfAnExpiredTokenCauseOneRefresh(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		got := make(chan *tokenstore.Token, 50)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { got <- w.token() })
		}
		wg.Wait()
		close(got)
		first := <-got
		for tok := range got {
			if !tok.Value.Equal(first.Value) {
				t.Error("callers got different tokens")
			}
		}
		w.wantRefreshes(1)
	})
}

func TestManyRefusalsOfOneTokenCauseOneRefresh(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		old := w.token()
		time.Sleep(time.Minute)
		w.server.ExpireAccessTokens()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if tok, err := w.Rejected(t.Context(), old); err != nil || tok.Value.Equal(old.Value) {
					t.Errorf("Rejected: %v", err)
				}
			})
		}
		wg.Wait()
		w.wantRefreshes(1)
	})
}

func TestRefusalsCannotHammerTheServer(t *testing.T) {
	inWorld(t, standin.Options{}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(time.Minute)
		for range 100 {
			// The API refuses whatever it is shown.
			_, _ = w.Rejected(t.Context(), w.token())
			time.Sleep(time.Second)
		}
		if n := w.server.Refreshes(); n < 3 || n > 4 {
			t.Errorf("%d refreshes in 100 s of refusals, with 30 s between two", n)
		}
	})
}

func TestWhoAsksForMoreTimeThanThereIsCannotHammerTheServer(t *testing.T) {
	inWorld(t, standin.Options{}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(time.Minute)
		for range 100 {
			if _, err := w.Token(t.Context(), demo, tokenstore.Want{MinTTL: 24 * time.Hour}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := w.server.Refreshes(); n < 3 || n > 4 {
			t.Errorf("%d refreshes in 100 s, with 30 s between two", n)
		}
	})
}

func TestACallerWhoLeavesDoesNotLoseTheRotatedToken(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Token(ctx, demo, tokenstore.Want{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller who left got %v", err)
		}
		time.Sleep(10 * time.Second)
		if tok := w.token(); !w.accepted(tok) || tok.Generation != 2 {
			t.Errorf("the token is of generation %d", tok.Generation)
		}
		w.restart()
		w.token()
		w.wantRefreshes(1)
		w.wantState(tokenstore.StateReady, "")
	})
}

func TestTheServerIsNotCalledIfTheIntentCannotBeSaved(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.backend.FailPuts(-1, storage.ErrUnavailable)
		_, err := w.Token(t.Context(), demo, tokenstore.Want{})
		if !errors.Is(err, tokenstore.ErrUnavailable) || !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Token returned %v", err)
		}
		w.wantRefreshes(0)
		if h := w.Health(); h.Storage == nil || h.Unsaved != 0 {
			t.Errorf("health is %+v", h)
		}
		w.backend.FailPuts(0, nil)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		if h := w.Health(); h.Storage != nil {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestATokenThatCannotBeSavedIsServedAndSavedLater(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		failAfterTheAnswer(w)
		tok := w.token()
		if !w.accepted(tok) || tok.Generation != 2 {
			t.Fatalf("generation %d is served", tok.Generation)
		}
		if h := w.Health(); h.Unsaved != 1 || h.Storage == nil || !w.status().Unsaved {
			t.Errorf("health is %+v", h)
		}
		time.Sleep(time.Minute)
		w.backend.OnPut(nil)
		time.Sleep(5 * time.Second)
		if h := w.Health(); h.Unsaved != 0 || h.Storage != nil {
			t.Errorf("health is %+v after the storage is back", h)
		}
		if n := len(w.seen.unsaved); n != 2 || w.seen.unsaved[1].Err != nil {
			t.Errorf("the observer was told %+v", w.seen.unsaved)
		}
		w.crash()
		w.open()
		if tok := w.token(); tok.Generation != 2 {
			t.Errorf("generation %d is in the file", tok.Generation)
		}
		w.wantRefreshes(1)
	})
}

// failAfterTheAnswer lets the storage take intents, and nothing once a refresh was answered.
func failAfterTheAnswer(w *world) {
	before := w.server.Refreshes()
	w.backend.OnPut(func(storage.Record) error {
		if w.server.Refreshes() > before {
			return storage.ErrUnavailable
		}
		return nil
	})
}

func TestAfterACrashAnOpenIntentIsTriedOnceMoreAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		options standin.Options
		state   tokenstore.State
		reason  tokenstore.Reason
	}{
		"a server with a grace window accepts the old refresh token": {
			standin.Options{Rotation: standin.RotateAlways, Grace: time.Minute}, tokenstore.StateReady, "",
		},
		"a server that does not rotate does not care": {
			standin.Options{}, tokenstore.StateReady, "",
		},
		"without a grace window the grant is gone, and the reason is known": {
			standin.Options{Rotation: standin.RotateAlways}, tokenstore.StateNeedsConsent, tokenstore.ReasonInterruptedRotation,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, tc.options, onDemand, func(t *testing.T, w *world) {
				w.connect(demo)
				time.Sleep(5 * time.Hour)
				failAfterTheAnswer(w)
				w.token()
				w.crash()
				w.open()
				time.Sleep(time.Second)
				synctest.Wait()
				w.wantRefreshes(2)
				w.wantState(tc.state, tc.reason)
				time.Sleep(time.Hour)
				w.wantRefreshes(2) // never a loop
			})
		})
	}
}

func TestALostAnswerIsAskedForOnceMore(t *testing.T) {
	cut := standin.Fault{GrantType: "refresh_token", Stage: standin.After, Cut: true, CutAfter: 20}
	t.Run("within the grace window the grant lives on", func(t *testing.T) {
		inWorld(t, standin.Options{Rotation: standin.RotateAlways, Grace: time.Minute}, onDemand, func(t *testing.T, w *world) {
			w.connect(demo)
			time.Sleep(5 * time.Hour)
			w.server.Script(cut)
			if tok := w.token(); !w.accepted(tok) {
				t.Error("the token is not accepted")
			}
			w.wantRefreshes(2)
		})
	})
	t.Run("without a grace window the grant is gone after one retry", func(t *testing.T) {
		inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
			w.connect(demo)
			time.Sleep(5 * time.Hour)
			w.server.Script(cut)
			_, err := w.Token(t.Context(), demo, tokenstore.Want{})
			var needed *tokenstore.ConsentNeededError
			if !errors.As(err, &needed) || needed.Reason != tokenstore.ReasonInterruptedRotation {
				t.Errorf("Token returned %v", err)
			}
			time.Sleep(time.Hour)
			w.wantRefreshes(2)
			if len(w.seen.consents) != 1 {
				t.Errorf("the observer was told %v", w.seen.consents)
			}
		})
	})
}

func TestARefreshTokenInABrokenAnswerIsKept(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.server.Script(standin.Fault{
			GrantType: "refresh_token", Stage: standin.After,
			Rewrite: func(b []byte) []byte { return renamed(b, "access_token", "no_access_token") },
		})
		time.Sleep(5 * time.Hour)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		if f := w.server.Families()[0]; f.Revoked {
			t.Errorf("the grant is gone: %s", f.Reason)
		}
		w.wantRefreshes(2)
	})
}

// onDemand leaves the schedule out of a test.
func onDemand(c *tokenstore.ProviderConfig) { c.Refresh.Mode = tokenstore.RefreshOnDemand }
