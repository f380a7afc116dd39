package tokenstore_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// TestOnlyGrantsWhoseAnswerWasLostByAServerWithoutGraceAreGone refreshes many grants at two servers, of which one allows for lost
// answers. Some answers of both are lost after the server has rotated.
func TestOnlyGrantsWhoseAnswerWasLostByAServerWithoutGraceAreGone(t *testing.T) {
	rounds := soaktest.Times(1, 20)
	for name, grace := range map[string]time.Duration{"without a grace window": 0, "with a grace window": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			lost, gone := 0, 0
			for range rounds {
				inWorld(t, standin.Options{Rotation: standin.RotateAlways, Grace: grace}, nil, func(_ *testing.T, w *world) {
					l, g := w.loseAnswers(grace > 0)
					lost, gone = lost+l, gone+g
				})
			}
			t.Logf("%d times %d grants, the answers to %d were lost, %d are gone", rounds, manyGrants, lost, gone)
		})
	}
}

// How many grants there are, and how many answers are lost.
const manyGrants, lostAnswers = 300, 60

// loseAnswers returns of how many grants an answer was lost, and how many are gone.
func (w *world) loseAnswers(grace bool) (hit, gone int) {
	w.t.Helper()
	ids := w.connectMany(manyGrants)
	// Among the first refreshes of all, and among those of the ones that were asked for again.
	for range lostAnswers {
		w.server.Script(standin.Fault{
			GrantType: "refresh_token", Stage: standin.After, Skip: rand.IntN(manyGrants - lostAnswers),
			Cut: true, CutAfter: rand.Int64N(100),
		})
	}
	time.Sleep(5 * time.Hour)
	synctest.Wait()
	if n := w.server.PendingFaults(); n != 0 {
		w.t.Fatalf("%d answers were not lost", n)
	}
	lost := w.losses()
	if len(lost) == 0 {
		w.t.Fatal("no grant's answer was lost")
	}
	gone = w.judgeLosses(ids, lost, grace)
	if n := w.server.Refreshes(); n > manyGrants+lostAnswers {
		w.t.Errorf("%d refreshes of %d grants, of which %d answers were lost", n, manyGrants, lostAnswers)
	}
	return len(lost), gone
}

// losses returns how many answers of each family were lost. Each refresh token must have been sent once more than that.
func (w *world) losses() map[int]int {
	w.t.Helper()
	type token struct{ family, generation int }
	sent, lost, families := map[token]int{}, map[token]int{}, map[int]int{}
	for _, e := range w.server.Journal() {
		if e.GrantType != "refresh_token" {
			continue
		}
		key := token{e.Family, e.Generation}
		sent[key]++
		if e.Faulted {
			lost[key]++
			families[e.Family]++
		}
	}
	for key, n := range sent {
		if n != lost[key]+1 {
			w.t.Errorf("generation %d of grant %d was sent %d times, and %d answers were lost", key.generation, key.family, n, lost[key])
		}
	}
	return families
}

// judgeLosses compares the connections with the families whose answer was lost, and returns how many are gone. The n-th
// connection need not have the n-th family.
func (w *world) judgeLosses(ids []tokenstore.ID, lost map[int]int, grace bool) (gone int) {
	w.t.Helper()
	for _, id := range ids {
		s, err := w.Status(w.t.Context(), id)
		switch {
		case err != nil:
			w.t.Errorf("%s: %v", id, err)
		case s.State == tokenstore.StateReady:
			if tok, err := w.Token(w.t.Context(), id, tokenstore.Want{}); err != nil || !w.accepted(tok) {
				w.t.Errorf("%s: %v", id, err)
			}
		case s.State == tokenstore.StateNeedsConsent && s.Reason == tokenstore.ReasonInterruptedRotation:
			gone++
		default:
			w.t.Errorf("%s: %s %s", id, s.State, s.Reason)
		}
	}
	dead := 0
	for _, f := range w.server.Families() {
		switch {
		case f.Revoked && (grace || lost[f.ID] == 0):
			w.t.Errorf("grant %d is gone: %s", f.ID, f.Reason)
		case f.Revoked:
			dead++
		case lost[f.ID] > 0 && !grace:
			w.t.Errorf("the answer to grant %d was lost, and it lives on", f.ID)
		}
	}
	if gone != dead || len(w.seen.consents) != gone {
		w.t.Errorf("%d connections need consent, of %d the grant is gone, and the observer was told of %d", gone, dead, len(w.seen.consents))
	}
	return gone
}
