package tokenstore

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is booked, begun and given back in whichever order, no second has more calls than configured, and there is a place
// exactly if that lets one more begin at any time.
func TestAPlaceIsFreeIfNoSecondCanHaveTooManyCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.IntRange(1, 6).Draw(t, "per second")
		w := newWindow(float64(perSecond))
		now, booked := time.Unix(0, 0), 0
		var begun []time.Time
		inLast := func() (n int) {
			for _, at := range begun {
				if now.Sub(at) < time.Second {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "ms")) * time.Millisecond)
			switch what := rapid.IntRange(0, 5).Draw(t, "what"); {
			case what == 0 && booked > 0:
				w.giveBack()
				booked--
			case what <= 2 && booked > 0:
				w.begin(now)
				booked, begun = booked-1, append(begun, now)
			}
			wait := w.wait(now, 0)
			if free := booked+inLast() < perSecond; free != (wait == 0) {
				t.Fatalf("%d are booked and %d began within the last second, %d are allowed, and there is a place in %s", booked, inLast(), perSecond, wait)
			}
			if wait == 0 {
				w.book()
				booked++
			}
			if n := inLast(); n > perSecond {
				t.Fatalf("%d began within a second of %d allowed", n, perSecond)
			}
			// Who waits as long as it says for all of what began finds it free, and nobody earlier.
			if wait = w.wait(now, 0); wait > 0 && booked < perSecond {
				early := w
				if early.wait(now.Add(wait-1), 0) == 0 || w.wait(now.Add(wait), 0) != 0 {
					t.Fatalf("there is no place after %s, or one before", wait)
				}
				now = now.Add(wait)
			}
		}
	})
}

func TestTheLeastRateThatCanBeConfiguredHolds(t *testing.T) {
	w, now, begun := newWindow(1e-6), time.Unix(0, 0), 0
	for range 4 * 24 { // of six hours
		if w.wait(now, 0) == 0 && w.waitEvenly(now, 0) == 0 {
			w.bookEvenly(now)
			w.begin(now)
			begun++
		}
		now = now.Add(6 * time.Hour)
	}
	t.Logf("%d began in 24 days", begun)
	if begun != 3 {
		t.Errorf("%d began in 24 days, want one each 11.6 days", begun)
	}
}
