package tokenstore

import "time"

// window lets so many calls begin in any second, and no more in any. A token bucket of that rate,
// full after a pause, would let twice as many.
//
// A place is booked before a call, and taken until a second behind its beginning. How long it takes to save an intent in between
// makes no difference: those that began in the last second and those that are booked are never more than there are places.
type window struct {
	length time.Duration
	places int
	booked int         // places for calls that have not begun
	begun  []time.Time // when calls of the last length began, or of longer ago
	// apart is how far the calls of the background lie from each other on average, and even when the next one may begin.
	apart time.Duration
	even  time.Time
}

// evenWithin is how late the background may be without losing its turn: the schedule looks every ten milliseconds at most, and
// on a busy machine several times later, and starts together what has become possible meanwhile. So no more than a twentieth of
// a second's places go at once.
const evenWithin = 50 * time.Millisecond

// newWindow returns a window for so many calls in a second. Less than one is one in a longer time.
func newWindow(perSecond float64) window {
	w := window{length: time.Second, places: max(1, int(perSecond)), apart: time.Duration(float64(time.Second) / perSecond)}
	if perSecond < 1 {
		w.length = w.apart
	}
	return w
}

// wait returns how long it is until one place is free and so many others beside it, if there
// are as many. Behind more others than that it is as if they took a place each, and gave it back after a second.
func (w *window) wait(now time.Time, others int) time.Duration {
	for len(w.begun) > 0 && !now.Before(w.begun[0].Add(w.length)) {
		w.begun = w.begun[1:]
	}
	rounds := others / w.places
	missing := w.booked + len(w.begun) + others%w.places + 1 - w.places
	wait := time.Duration(rounds) * w.length
	switch {
	case missing <= 0:
		return wait
	case missing <= len(w.begun):
		return wait + w.begun[missing-1].Add(w.length).Sub(now)
	}
	return wait + w.length/10 // those that are booked have to begin first, and may do so at any time
}

// book takes a place that is free.
func (w *window) book() { w.booked++ }

// begin says that a call begins now, for which a place is booked.
func (w *window) begin(now time.Time) {
	w.booked--
	w.overdraw(now)
}

// overdraw says that a call begins now which cannot wait for a place. Others have to wait for it.
func (w *window) overdraw(now time.Time) { w.begun = append(w.begun, now) }

// waitEvenly is wait for the background. It leaves a place to the next caller, and one to each of those who wait, and takes no
// second's places all at once: the server, and the requests that go on here meanwhile, would have to stand a burst every second
// for as long as there is much to refresh.
func (w *window) waitEvenly(now time.Time, callers int) time.Duration {
	left := min(1+callers, w.places-1)
	if callers > 0 {
		left = max(left, 1) // where there is only one place, it is theirs
	}
	return max(w.wait(now, left), w.even.Sub(now))
}

// bookEvenly is book for the background.
func (w *window) bookEvenly(now time.Time) {
	w.even = latest(w.even, now.Add(-evenWithin)).Add(w.apart)
	w.book()
}

// giveBack undoes a bookEvenly of a call that is not made.
func (w *window) giveBack() {
	w.even = w.even.Add(-w.apart)
	w.booked--
}
