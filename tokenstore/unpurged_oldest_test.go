package tokenstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// beginSpread begins n consents, one after the other within 300 seconds, and damages the page of the index that has those in the
// middle. It returns when one of these ends.
func (w *world) beginSpread(n int) (first, last tokenstore.ConsentCallback, hole time.Time) {
	w.t.Helper()
	first = w.approve(w.begin(demo))
	for range n - 2 {
		time.Sleep(300 * time.Second / time.Duration(n))
		w.begin(demo)
	}
	last = w.approve(w.begin(demo))
	if err := w.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	lost, err := damagedpage.Clear(w.path, damagedpage.Due("consent/"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.open()
	r, err := w.backend.Get(w.t.Context(), storage.Key{Bucket: "consents", ID: lost[len(lost)/2]})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Logf("of %d entries %d are lost", n, len(lost))
	return first, last, r.Due
}

// Beside a damaged page there are entries that can be read, and not deleted.
func TestAtTheBoundConsentsThatDamageKeepsArePassedOver(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		const begun = 300
		first, _, _ := w.beginSpread(begun)
		w.fill(1000 - begun)
		for i := range begun {
			if _, err := w.BeginConsent(t.Context(), request); err != nil {
				t.Fatalf("the %dth above the bound: %v", i+1, err)
			}
		}
		callback := w.approve(w.begin(demo))
		if _, err := w.FinishConsent(t.Context(), first); !errors.Is(err, tokenstore.ErrInvalidConsent) {
			t.Errorf("the oldest: %v", err)
		}
		if _, err := w.FinishConsent(t.Context(), callback); err != nil {
			t.Errorf("the last: %v", err)
		}
		t.Logf("%d were begun above the bound", begun+1)
	})
}

func TestAtTheBoundTheOldestGoesAlsoOfThoseThatTheIndexDoesNotHave(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		const begun = 300
		_, last, hole := w.beginSpread(begun)
		w.offset.Add(int64(hole.Add(time.Nanosecond - 10*time.Minute).Sub(w.now()))) // the index cannot take it
		outside := w.approve(w.begin(demo))
		w.offset.Store(0)
		w.fill(1000 - begun - 1)
		dropped := 0
		for dropped < begun-2 && w.isOpen(outside) {
			w.begin(demo)
			dropped++
		}
		t.Logf("it ended when %d others of %d were dropped", dropped-1, begun)
		if dropped < 100 || dropped > 170 {
			t.Errorf("it ended as the %dth of %d, of which half are older", dropped, begun)
		}
		if _, err := w.FinishConsent(t.Context(), last); err != nil {
			t.Errorf("a later one: %v", err)
		}
	})
}

// isOpen reports whether the consent could be finished, which it does not do.
func (w *world) isOpen(c tokenstore.ConsentCallback) bool {
	w.t.Helper()
	c.Binding = "of another browser"
	_, err := w.FinishConsent(w.t.Context(), c)
	if !errors.Is(err, tokenstore.ErrOtherBrowser) && !errors.Is(err, tokenstore.ErrInvalidConsent) {
		w.t.Fatal(err)
	}
	return errors.Is(err, tokenstore.ErrOtherBrowser)
}
