package tokenstore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func refusal(code string) standin.Fault {
	return standin.Fault{GrantType: "refresh_token", Status: 400, Body: `{"error":"` + code + `"}`, ContentType: "application/json"}
}

func TestARefusalThatWasHeardLeavesNoDoubtBehind(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		g := w.connect(demo)
		w.server.Script(refusal("invalid_client"))
		if _, err := w.Refresh(t.Context(), demo); !errors.Is(err, tokenstore.ErrMisconfigured) {
			t.Errorf("Refresh returned %v", err)
		}
		w.server.RevokeFamily(g.Family)
		_, _ = w.Refresh(t.Context(), demo)
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked)
	})
}

func TestOneFlightSendsARefreshTokenTwiceAtTheMost(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, Grace: time.Hour}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Times: 10, Cut: true})
		if _, err := w.Refresh(t.Context(), demo); !errors.Is(err, tokenstore.ErrUnavailable) {
			t.Errorf("Refresh returned %v", err)
		}
		w.wantRefreshes(2)
	})
}

func TestARefusalOfATokenThatWasReplacedLongAgoCausesNoRefresh(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		old := w.token()
		if _, err := w.Refresh(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		w.restart() // the new one is in the storage alone
		time.Sleep(time.Minute)
		if tok, err := w.Rejected(t.Context(), old); err != nil || tok.Generation != 2 {
			t.Errorf("Rejected returned %v", err)
		}
		w.wantRefreshes(1)
	})
}

func TestAConnectionThatFailedIsLeftAloneForAMoment(t *testing.T) {
	inWorld(t, standin.Options{}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 403})
		for range 40 {
			if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrUnavailable) {
				t.Fatalf("Token returned %v", err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		w.wantRefreshes(1)
	})
}

func TestAVerdictAboutATokenThatSomebodyElseHasReplacedMeanwhileIsNotBelieved(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		older := w.raw(demo).Value
		if _, err := w.Refresh(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		newer := w.raw(demo).Value
		w.put(demo, older)
		w.restart()
		slow := refusal("invalid_grant")
		slow.Delay = 5 * time.Second
		w.server.Script(slow)
		got := make(chan *tokenstore.Token)
		go func() {
			tok, err := w.Refresh(t.Context(), demo)
			if err != nil {
				t.Errorf("Refresh returned %v", err)
			}
			got <- tok
		}()
		time.Sleep(time.Second)
		w.put(demo, newer) // as another process would that has refreshed it
		if tok := <-got; tok == nil || tok.Generation != 2 {
			t.Errorf("got %+v", tok)
		}
		synctest.Wait()
		w.wantState(tokenstore.StateReady, "")
		if len(w.seen.consents) > 0 {
			t.Errorf("consent is needed: %v", w.seen.consents)
		}
	})
}
