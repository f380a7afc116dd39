package tokenstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestAClosedStoreSaysSoWhateverItIsAsked(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		tok := w.token()
		callback := w.approve(w.begin(demo))
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		for name, call := range map[string]func() error{
			"Token":         func() error { return second(w.Token(ctx, demo, tokenstore.Want{})) },
			"Rejected":      func() error { return second(w.Rejected(ctx, tok)) },
			"Refresh":       func() error { return second(w.Refresh(ctx, demo)) },
			"TokenSource":   func() error { return second(w.TokenSource(ctx, demo).Token()) },
			"Import":        func() error { return w.Import(ctx, demo, tokenstore.Import{AccessToken: "a"}) },
			"Delete":        func() error { return w.Delete(ctx, demo) },
			"Status":        func() error { return second(w.Status(ctx, demo)) },
			"List":          func() error { _, _, err := w.List(ctx, "", "", 1); return err },
			"BeginConsent":  func() error { return second(w.BeginConsent(ctx, request)) },
			"FinishConsent": func() error { return second(w.FinishConsent(ctx, callback)) },
			"IssueTicket":   func() error { _, _, err := w.IssueTicket(ctx, demo); return err },
			"CheckTicket":   func() error { return w.CheckTicket(ctx, demo, ticket) },
			"RedeemTicket":  func() error { return w.RedeemTicket(ctx, demo, ticket) },
		} {
			if err := call(); !errors.Is(err, tokenstore.ErrClosed) {
				t.Errorf("%s returned %v", name, err)
			}
		}
		if err := w.Close(t.Context()); err != nil {
			t.Errorf("a second Close returned %v", err)
		}
	})
}

func TestCloseWaitsForARefreshOnTheWire(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 5 * time.Second})
		got := make(chan error, 1)
		go func() { got <- second(w.Token(t.Context(), demo, tokenstore.Want{})) }()
		time.Sleep(time.Second)
		start := time.Now()
		if err := w.Close(t.Context()); err != nil {
			t.Errorf("Close returned %v", err)
		}
		if d := time.Since(start); d != 4*time.Second {
			t.Errorf("Close took %s", d)
		}
		if err := <-got; err != nil {
			t.Errorf("the caller got %v", err)
		}
		w.open()
		if tok := w.token(); tok.Generation != 2 || !w.accepted(tok) {
			t.Errorf("generation %d", tok.Generation)
		}
		w.wantRefreshes(1)
	})
}

func TestCloseDoesNotWaitForTheTurnOfARefresh(t *testing.T) {
	slow := func(c *tokenstore.ProviderConfig) { onDemand(c); c.MaxPerSecond = 0.1 }
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, slow, func(t *testing.T, w *world) {
		ids := w.connectMany(3)
		time.Sleep(5 * time.Hour)
		got := make(chan error, len(ids))
		for _, id := range ids {
			go func() { got <- second(w.Token(t.Context(), id, tokenstore.Want{})) }()
		}
		synctest.Wait() // one has been refreshed
		start := time.Now()
		if err := w.Close(t.Context()); err != nil {
			t.Errorf("Close returned %v", err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %s", d)
		}
		refused := 0
		for range ids {
			if err := <-got; errors.Is(err, tokenstore.ErrClosed) {
				refused++
			} else if err != nil {
				t.Errorf("a caller got %v", err)
			}
		}
		if refused != len(ids)-1 {
			t.Errorf("%d callers were told that the store is closed", refused)
		}
		w.wantRefreshes(1)
		w.open()
		for _, id := range ids {
			if s, err := w.Status(t.Context(), id); err != nil || s.State != tokenstore.StateReady {
				t.Errorf("%s: %+v, %v", id, s, err)
			}
		}
	})
}

func TestCloseDoesNotWaitLongerThanItsContextAndTheIntentRemains(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, Grace: time.Minute}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 15 * time.Second})
		go func() { _, _ = w.Token(t.Context(), demo, tokenstore.Want{}) }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returned %v", err)
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("Close took %s", d)
		}
		w.open()
		time.Sleep(2 * time.Second)
		w.wantRefreshes(2) // the second one because the first is in doubt
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		time.Sleep(20 * time.Second)
	})
}
