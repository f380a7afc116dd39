package tokenstore

import "time"

// place is what one refresh has of its provider: a slot, and a place within the rate.
type place struct {
	pace   *pace
	booked bool // guarded by the mu of pace: the call has not begun
	used   bool // the provider is called, or would be if the storage worked
}

// reserve takes what one refresh of the schedule needs. It leaves one slot and one place within the
// rate, so that a caller who waits for a token finds them not taken by background work. If it cannot, it returns nil and when to
// try again, the zero time if something else will wake the schedule.
func (p *pace) reserve(now time.Time) (taken *place, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause, stands := p.paused(now)
	if stands || p.scheduled >= max(1, p.provider.maxConcurrent-1) {
		return nil, pause.until
	}
	// The window goes by the monotonic clock: one that is set back must not keep it shut.
	monotonic := time.Now()
	if wait := p.window.waitEvenly(monotonic, p.callers); wait > 0 {
		return nil, now.Add(wait)
	}
	p.scheduled++
	p.window.bookEvenly(monotonic)
	return &place{pace: p, booked: true}, time.Time{}
}

// begins says that a call begins now. The second one of a flight, for which no place is booked, has to be at once.
func (pl *place) begins() {
	p := pl.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	if !pl.booked {
		p.window.overdraw(time.Now())
		return
	}
	pl.takeLocked()
}

func (pl *place) takeLocked() {
	pl.booked = false
	pl.pace.window.begin(time.Now())
}

// exit makes room for another call. A place counts as taken also where no call was made.
func (pl *place) exit() {
	<-pl.pace.slots
	pl.pace.mu.Lock()
	defer pl.pace.mu.Unlock()
	if pl.booked {
		pl.takeLocked()
	}
}

// leave gives back what reserve took of the schedule's part, and the place within the rate too if nothing is in sight for which
// the provider was to be called: what is refreshed in vain takes no place from what can be refreshed.
func (pl *place) leave(idle bool) {
	p := pl.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scheduled--
	switch {
	case !pl.booked:
	case idle && !pl.used:
		pl.booked = false
		p.window.giveBack()
	default:
		pl.takeLocked()
	}
}
