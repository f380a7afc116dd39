package tokenstore

import "time"

// window lets so many calls begin in any second, and no more in any. A token bucket of that rate,
// full after a pause, would let twice as many.
type window struct {
	length time.Duration
	// free is when each place can be booked again. They are booked in turn, so that the next
	// one is always the first to be free.
	free []time.Time
	next int
}

// newWindow returns a window for so many calls in a second. Less than one is one in a longer time.
func newWindow(perSecond float64) window {
	if perSecond < 1 {
		return window{length: time.Duration(float64(time.Second) / perSecond), free: make([]time.Time, 1)}
	}
	return window{length: time.Second, free: make([]time.Time, int(perSecond))}
}

// wait returns how long it is until one place is free and so many others beside it, if there
// are as many.
func (w *window) wait(now time.Time, others int) time.Duration {
	place := (w.next + min(others, len(w.free)-1)) % len(w.free)
	return max(0, w.free[place].Sub(now))
}

// book takes the next place, from now on or from when it is free.
func (w *window) book(now time.Time) {
	w.free[w.next] = latest(w.free[w.next], now).Add(w.length)
	w.next = (w.next + 1) % len(w.free)
}
