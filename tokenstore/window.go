package tokenstore

import "time"

// window lets so many calls begin in any second, and no more in any. A token bucket of that rate,
// full after a pause, would let twice as many.
type window struct {
	length time.Duration
	// free is when each place can be booked again. They are booked in turn, so that the next
	// one is the first to be free, but for what extend adds.
	free []time.Time
	next int
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
	w := window{length: time.Second, free: make([]time.Time, max(1, int(perSecond))), apart: time.Duration(float64(time.Second) / perSecond)}
	if perSecond < 1 {
		w.length = w.apart
	}
	return w
}

// wait returns how long it is until one place is free and so many others beside it, if there
// are as many.
func (w *window) wait(now time.Time, others int) time.Duration {
	var free time.Time
	for n := range min(others+1, len(w.free)) {
		free = latest(free, w.free[(w.next+n)%len(w.free)])
	}
	return max(0, free.Sub(now))
}

// book takes the next place, from now on or from when it is free. It returns until when it is taken.
func (w *window) book(now time.Time) (until time.Time) {
	until = latest(w.free[w.next], now).Add(w.length)
	w.free[w.next] = until
	w.next = (w.next + 1) % len(w.free)
	return until
}

// waitEvenly is wait for the background, which leaves one place free, and takes no second's places all at once: the server, and
// the requests that go on here meanwhile, would have to stand a burst every second for as long as there is much to refresh.
func (w *window) waitEvenly(now time.Time) time.Duration {
	return max(w.wait(now, 1), w.even.Sub(now))
}

// bookEvenly is book for the background.
func (w *window) bookEvenly(now time.Time) (until time.Time) {
	w.even = latest(w.even, now.Add(-evenWithin)).Add(w.apart)
	return w.book(now)
}

// giveBack undoes a bookEvenly of a call that was not made. It is that very place which is free again, and not the last one that
// was booked: else there could be one call too many in a second.
func (w *window) giveBack(until time.Time) {
	n, i := w.find(until)
	if i < 0 {
		return
	}
	for range n { // those that were booked later move up
		later := (i + 1) % len(w.free)
		w.free[i], i = w.free[later], later
	}
	w.free[i], w.next = time.Time{}, i
	w.even = w.even.Add(-w.apart)
}

// extend lets a place be taken for the whole length from now on. It returns until when.
func (w *window) extend(until, now time.Time) time.Time {
	if _, i := w.find(until); i >= 0 {
		until = latest(until, now.Add(w.length))
		w.free[i] = until
	}
	return until
}

// find returns which place is taken until then, and how many were booked behind it. There is no place at -1.
func (w *window) find(until time.Time) (behind, place int) {
	for n := range w.free {
		if i := (w.next - 1 - n + len(w.free)) % len(w.free); w.free[i].Equal(until) {
			return n, i
		}
	}
	return 0, -1
}
