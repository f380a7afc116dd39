package tokenstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// damageConsents makes the index of consents as large as it takes to have pages of its own, and damages all of these.
func (w *world) damageConsents(open int) {
	w.t.Helper()
	for range open {
		w.begin(demo)
	}
	if err := w.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := damagedpage.ClearAll(w.path, damagedpage.Due("consent/")); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// openConsents returns how many consents and login links the storage has.
func (w *world) openConsents() int {
	w.t.Helper()
	all, err := w.backend.List(context.Background(), "consents", "", "", 5000)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

func TestAPersonCanConsentThoughTheIndexOfConsentsIsDamaged(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		const hidden = 100
		w.damageConsents(hidden)
		c := w.begin(demo)
		w.restart() // as it is in the file
		if _, err := w.FinishConsent(t.Context(), w.approve(c)); err != nil {
			t.Fatal(err)
		}
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RedeemTicket(t.Context(), demo, ticket); err != nil {
			t.Errorf("a login link: %v", err)
		}
		if err := w.RedeemTicket(t.Context(), demo, ticket); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("a login link that was used: %v", err)
		}
		if n := w.openConsents(); n != hidden {
			t.Errorf("%d are open, %d were before", n, hidden)
		}

		late := w.approve(w.begin(demo))
		w.begin(demo)
		time.Sleep(10 * time.Minute)
		if _, err := w.FinishConsent(t.Context(), late); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("a consent that has expired: %v", err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := w.openConsents(); n != hidden {
			t.Errorf("after they have expired %d are open, %d were before", n, hidden)
		}
		t.Logf("told: %q", w.seen.troubles)
		if !slices.ContainsFunc(w.seen.troubles, func(s string) bool { return strings.HasPrefix(s, "beginning a consent:") }) {
			t.Errorf("nothing is told of the damage: %q", w.seen.troubles)
		}
	})
}

// Without an entry in the index, they would never be found again after a restart.
func TestConsentsThatTheIndexDoesNotHaveArePurgedAfterARestart(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		const hidden = 100
		w.damageConsents(hidden)
		for range 10 {
			w.begin(demo)
		}
		w.restart()
		w.begin(demo) // which counts what is there
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := w.openConsents(); n != hidden {
			t.Errorf("%d are open, of which the index may have %d", n, hidden)
		}
	})
}

func TestTooManyConsentsReplaceTheOldestThoughTheIndexIsDamaged(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		const hidden = 100
		w.damageConsents(hidden)
		time.Sleep(time.Second)
		oldest := w.begin(demo)
		time.Sleep(time.Second)
		var last tokenstore.Consent
		for range 1000 {
			last = w.begin(demo)
		}
		// Those that are hidden came first. They ended, but cannot be deleted.
		if n := w.openConsents(); n != 1000+hidden {
			t.Errorf("%d are open or left", n)
		}
		if _, err := w.FinishConsent(t.Context(), w.approve(oldest)); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("the oldest one: %v", err)
		}
		if _, err := w.FinishConsent(t.Context(), w.approve(last)); err != nil {
			t.Errorf("the last one: %v", err)
		}
	})
}

func TestConsentsBeginThoughAPageOfThemIsDamaged(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		for range 100 {
			w.begin(demo)
		}
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		lost, err := damagedpage.Clear(w.path, damagedpage.Records("consent/"))
		if err != nil {
			t.Fatal(err)
		}
		w.open()
		begun, refused, finished := 0, 0, 0
		for range 200 {
			c, err := w.BeginConsent(t.Context(), tokenstore.ConsentRequest{ID: demo, RedirectURI: redirectURI})
			switch {
			case errors.Is(err, storage.ErrDamaged):
				refused++ // it belongs to that page; the next one does not
				continue
			case err != nil:
				t.Fatal(err)
			}
			begun++
			callback := w.approve(c)
			// Beside that page, it cannot be deleted.
			if _, err := w.FinishConsent(t.Context(), callback); err != nil {
				t.Error(err)
				continue
			}
			finished++
			if _, err := w.FinishConsent(t.Context(), callback); !errors.Is(err, tokenstore.ErrInvalidConsent) && !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("FinishConsent returned %v when it was finished", err)
			}
		}
		t.Logf("%d of 100 are lost; %d were begun, %d refused; %d were finished", len(lost), begun, refused, finished)
		if begun < 100 {
			t.Error("those are too few")
		}
	})
}
