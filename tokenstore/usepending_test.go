package tokenstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// To delete it would need the index, which had it before that was damaged.
func TestWhatADamagedIndexHasIsUsedOnce(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		callback := w.approve(w.begin(demo))
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		w.damageConsents(100)
		if _, err := w.FinishConsent(t.Context(), callback); err != nil {
			t.Fatal(err)
		}
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		w.wantRedeemedOnce(ticket)
		refused := 0
		again := func(when string) {
			_, err := w.FinishConsent(t.Context(), callback)
			// The server would not take its code either, with other words.
			if !errors.Is(err, tokenstore.ErrInvalidConsent) || !strings.Contains(err.Error(), "begin it again") {
				t.Errorf("%s, FinishConsent returned %v", when, err)
			}
			if w.isOpen(callback) {
				t.Errorf("%s, the consent is open", when)
			}
			if err := w.RedeemTicket(t.Context(), demo, ticket); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("%s, RedeemTicket returned %v", when, err)
			}
			refused++
		}
		again("at once")
		w.crash()
		w.open()
		again("after a crash")
		if err := w.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.awaitRotation()
		again("after a rotation of the key")
		w.restart()
		w.offset.Add(-int64(time.Hour))
		again("with the clock set back")
		t.Logf("one of 20 redeemed the login link, and it was refused at %d other times, as the consent was", refused)
	})
}

// What has ended does not count as open, though it cannot be deleted.
func TestWhatADamagedIndexKeepsTakesNoPlace(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		const hidden, finished = 200, 50
		var callbacks []tokenstore.ConsentCallback
		for range finished {
			callbacks = append(callbacks, w.approve(w.begin(demo)))
		}
		w.damageConsents(hidden - finished)
		first := w.approve(w.begin(demo)) // which counts what is there
		for i, c := range callbacks {
			if err := w.RedeemTicket(t.Context(), demo, c.State); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("as a login link: %v", err)
			}
			if _, err := w.FinishConsent(t.Context(), c); err != nil {
				t.Fatalf("the %dth: %v", i+1, err)
			}
		}
		w.offset.Add(int64(time.Second))
		check := func(when string, more int) {
			w.fill(more)
			if n := w.openConsents(); n != 1000+finished {
				t.Errorf("%s there are %d in the storage", when, n)
			}
			if !w.isOpen(first) {
				t.Errorf("%s the first one is not open", when)
			}
		}
		check("at the bound", 1000-1-(hidden-finished))
		time.Sleep(20 * time.Minute)
		if n := w.openConsents(); n != hidden {
			t.Errorf("after they have expired there are %d in the storage", n)
		}
		for _, when := range []string{"in the same process", "after a restart"} {
			first = w.approve(w.begin(demo))
			w.offset.Add(int64(time.Second))
			w.fill(999)
			if n := w.openConsents(); n != 1000+hidden || !w.isOpen(first) {
				t.Errorf("%s there are %d in the storage; the first is open: %t", when, n, w.isOpen(first))
			}
			w.begin(demo)
			if w.isOpen(first) {
				t.Errorf("%s there is one too many", when)
			}
			t.Logf("%s %d are open beside %d that are left", when, w.openConsents()-hidden, hidden)
			time.Sleep(20 * time.Minute)
			w.restart()
		}
	})
}
