package tokenstore_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var request = tokenstore.ConsentRequest{ID: demo, RedirectURI: redirectURI}

// wantPending fails unless so many consents and login links are open.
func (w *world) wantPending(n int) {
	w.t.Helper()
	open, err := w.backend.List(w.t.Context(), "consents", "", "", 2000)
	if err != nil || len(open) != n {
		w.t.Errorf("%d are open, want %d; %v", len(open), n, err)
	}
}

// fill begins n consents at once.
func (w *world) fill(n int) {
	w.t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := w.BeginConsent(w.t.Context(), request); err != nil {
				w.t.Errorf("BeginConsent returned %v", err)
			}
		})
	}
	wg.Wait()
}

func TestPendingConsentsAreBoundedAndPurged(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.fill(1100)
		w.wantPending(1000)
		w.restart()
		w.fill(10)
		w.wantPending(1000)
		time.Sleep(15 * time.Minute) // nobody asks for anything meanwhile
		w.wantPending(0)
		w.fill(1001)
		w.wantPending(1000)
	})
}

func TestAtTheBoundAConsentReplacesTheOldest(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		first := w.approve(w.begin(demo))
		time.Sleep(time.Second)
		second := w.approve(w.begin(demo))
		time.Sleep(time.Second)
		w.fill(997)
		w.restart()
		last := w.approve(w.begin(demo))
		w.wantPending(1000)
		if _, err := w.FinishConsent(t.Context(), first); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("the oldest: %v", err)
		}
		for name, callback := range map[string]tokenstore.ConsentCallback{"second": second, "last": last} {
			if _, err := w.FinishConsent(t.Context(), callback); err != nil {
				t.Errorf("the %s: %v", name, err)
			}
		}
		if err := w.CheckTicket(t.Context(), demo, ticket); err != nil {
			t.Errorf("the login link, which is older than all of them: %v", err)
		}
	})
}

func TestLoginLinksHaveAReserve(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.fill(1000)
		for range 100 {
			if _, _, err := w.IssueTicket(t.Context(), demo); err != nil {
				t.Fatal(err)
			}
		}
		w.restart()
		if _, _, err := w.IssueTicket(t.Context(), demo); !errors.Is(err, tokenstore.ErrTooManyConsents) {
			t.Errorf("one too many: %v", err)
		}
		w.wantPending(1100)
		w.fill(50) // in the place of one each
		w.wantPending(1100)
	})
}

func TestLoginLinksAreNotReplaced(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		var tickets []string
		for range 1000 {
			ticket, _, err := w.IssueTicket(t.Context(), demo)
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, ticket)
		}
		if _, err := w.BeginConsent(t.Context(), request); !errors.Is(err, tokenstore.ErrTooManyConsents) {
			t.Errorf("BeginConsent returned %v", err)
		}
		if err := w.RedeemTicket(t.Context(), demo, tickets[0]); err != nil {
			t.Fatal(err)
		}
		// A login link that is used makes the room for its own consent.
		w.begin(demo)
		w.wantPending(1000)
	})
}

func TestAConsentThatIsFinishedMakesRoomForAnother(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		first, second := w.approve(w.begin(demo)), w.approve(w.begin(demo))
		time.Sleep(time.Second)
		w.fill(998)
		w.restart()
		// The first use after a restart is an end and not a beginning.
		if _, err := w.FinishConsent(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		w.fill(1)
		w.wantPending(1000)
		if _, err := w.FinishConsent(t.Context(), second); err != nil {
			t.Errorf("the oldest, for which there was room: %v", err)
		}
	})
}

func TestPendingConsentsSurviveARestart(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		callback := w.approve(w.begin(demo))
		w.crash()
		w.open()
		if _, err := w.FinishConsent(t.Context(), callback); err != nil {
			t.Errorf("FinishConsent returned %v", err)
		}
	})
}

func TestNeitherStateNorVerifierNorTicketIsInTheFile(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		c := w.begin(demo)
		u, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(w.path)
		if err != nil {
			t.Fatal(err)
		}
		for what, plain := range map[string]string{
			"the state": u.Query().Get("state"), "the binding": c.Binding, "the ticket": ticket,
			"the redirect URI": redirectURI, "a member's name": "verifier",
		} {
			if plain == "" || bytes.Contains(file, []byte(plain)) {
				t.Errorf("%s (%q) is in the file, or empty", what, plain)
			}
		}
	})
}

func TestATicketIsGoodForOneConnectionOnce(t *testing.T) {
	other := tokenstore.ID{Provider: demo.Provider, Name: "other"}
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		ticket, expires, err := w.IssueTicket(t.Context(), demo)
		if err != nil || !expires.Equal(w.now().Add(10*time.Minute)) {
			t.Fatalf("it expires at %s, %v", expires, err)
		}
		for name, redeem := range map[string]func(context.Context, tokenstore.ID, string) error{
			"redeem": w.RedeemTicket, "check": w.CheckTicket,
		} {
			if err := redeem(t.Context(), other, ticket); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("%s for another connection: %v", name, err)
			}
			if err := redeem(t.Context(), demo, ticket+"x"); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("%s another ticket: %v", name, err)
			}
		}
		if _, err := w.FinishConsent(t.Context(), tokenstore.ConsentCallback{Provider: demo.Provider, State: ticket, Code: "c"}); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("as a state: %v", err)
		}
		for range 3 {
			if err := w.CheckTicket(t.Context(), demo, ticket); err != nil {
				t.Errorf("a check uses it up: %v", err)
			}
		}
		w.wantRedeemedOnce(ticket)
		if err := w.CheckTicket(t.Context(), demo, ticket); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("after its use: %v", err)
		}
	})
}

func TestWhatCannotBeATicketOrAStateCostsNoReading(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		var reads atomic.Int64
		w.backend.OnGet(func(storage.Key) error { reads.Add(1); return nil })
		for _, guess := range []string{
			"", "guess", strings.Repeat("a", 42), strings.Repeat("a", 44), strings.Repeat("a", 4000),
			strings.Repeat("a", 42) + "=", strings.Repeat("a", 42) + "+", strings.Repeat("a", 42) + "/", strings.Repeat("a", 41) + "\u00e4",
		} {
			if err := w.CheckTicket(t.Context(), demo, guess); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("%q as a ticket: %v", guess, err)
			}
			if err := w.RedeemTicket(t.Context(), demo, guess); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("%q as a ticket: %v", guess, err)
			}
			if _, err := w.FinishConsent(t.Context(), tokenstore.ConsentCallback{Provider: demo.Provider, State: guess, Code: "c"}); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("%q as a state: %v", guess, err)
			}
		}
		if n := reads.Load(); n != 0 {
			t.Errorf("%d records were asked for", n)
		}
		if err := w.CheckTicket(t.Context(), demo, strings.Repeat("-_aZ9", 9)[:43]); !errors.Is(err, tokenstore.ErrInvalidConsent) || reads.Load() != 1 {
			t.Errorf("one that could be: %v, %d reads", err, reads.Load())
		}
	})
}

func TestATicketExpires(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute - time.Nanosecond)
		if err := w.CheckTicket(t.Context(), demo, ticket); err != nil {
			t.Errorf("a moment before its end: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := w.RedeemTicket(t.Context(), demo, ticket); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("after ten minutes: %v", err)
		}
	})
}

// wantRedeemedOnce lets twenty redeem a login link at once.
func (w *world) wantRedeemedOnce(ticket string) {
	w.t.Helper()
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			switch err := w.RedeemTicket(w.t.Context(), demo, ticket); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, tokenstore.ErrInvalidConsent):
				w.t.Errorf("RedeemTicket returned %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		w.t.Errorf("%d of twenty redeemed it", won.Load())
	}
}
