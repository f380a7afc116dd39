package tokenstore

import (
	"sync"
	"time"
)

// How a server is left in peace.
const (
	// One that fails this often in a row, whoever asked, is not asked for a while.
	breakerThreshold = 5
	breakerFirst     = 10 * time.Second
	breakerLongest   = 5 * time.Minute

	// One that refuses the client will go on doing so until somebody acts.
	configFirst   = time.Minute
	configLongest = time.Hour

	// No pause is longer than this; one that seems to be comes from a clock
	// that was set back.
	longestPause = time.Hour
	// Who asks may have read the clock a moment before the pause began.
	slack = time.Minute
)

// retryAfter is the reason of a pause that a server has asked for.
const retryAfter = "retry_after"

// pause is a time without calls. The zero pause is none.
type pause struct {
	since  time.Time // when it was begun, by the outcome of a call
	until  time.Time // when one call may be made, to see
	reason string
	config bool   // for a refused client
	host   string // that of the breaker
}

func (p pause) none() bool { return p.until.IsZero() }

// left returns how long nobody may call.
func (p pause) left(now time.Time) time.Duration {
	left := p.until.Sub(now)
	if p.none() || left > longestPause+slack {
		return 0
	}
	return max(0, left)
}

// covers reports whether a call that began then was under way when the pause began, as far as the clock can be believed.
func (p pause) covers(began, now time.Time) bool {
	return !p.none() && began.Before(p.since) && !p.since.After(now)
}

// breaker keeps calls away from a server that has no use for them. A pause that is over admits one
// call, and the others wait for what comes of it. It is safe for concurrent use.
type breaker struct {
	host string // of a token host's breaker; empty for a provider's own

	mu       sync.Mutex
	failures int    // guarded by mu: in a row
	pauses   int    // guarded by mu: in a row
	pause    pause  // guarded by mu
	probe    uint64 // guarded by mu: the one call after a pause that is under way, 0 if none is
	probes   uint64 // guarded by mu: how many there ever were
}

// admit returns the pause that stands against a call, or none. If the call is a probe, that is not 0, and
// whoever makes it calls leave in the end, whatever happened.
func (b *breaker) admit(now time.Time) (probe uint64, against pause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause.none() {
		return 0, pause{}
	}
	if b.pause.left(now) > 0 || b.probe != 0 {
		return 0, b.pause
	}
	b.probes++
	b.probe = b.probes
	return b.probe, pause{}
}

// leave gives back the right to probe, which an outcome has used up unless the
// call was not made after all. It reports whether somebody else may probe now.
func (b *breaker) leave(probe uint64) (freed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe == 0 || b.probe != probe {
		return false
	}
	b.probe = 0
	return true
}

// now returns the pause, and whether it stands against a call.
func (b *breaker) now(now time.Time) (p pause, stands bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pause, b.pause.left(now) > 0 || b.probe != 0
}

// succeeded ends every pause, but for one that the server has asked for since the call began. It reports whether there
// was one, as the others do whether there is another now.
func (b *breaker) succeeded(began, now time.Time) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause.reason == retryAfter && b.pause.left(now) > 0 && b.pause.covers(began, now) {
		b.failures = 0
		return false
	}
	changed = !b.pause.none()
	b.failures, b.pauses, b.pause, b.probe = 0, 0, pause{}, 0
	return changed
}

// answered is for a call that was no success and yet shows that nothing is wrong with the server.
func (b *breaker) answered() (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	if b.probe == 0 {
		return false // it may have been made before the pause began
	}
	b.pauses, b.pause, b.probe = 0, pause{}, 0
	return true
}

// failed counts a failure, which begins a pause if it is one too many.
func (b *breaker) failed(began, now time.Time, reason string) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause.left(now) > 0 || b.pause.covers(began, now) {
		return false // it was under way when the pause began: many at once are not many in a row
	}
	b.failures++
	if b.probe == 0 && b.failures < breakerThreshold {
		return false
	}
	b.beginLocked(now, backoff(b.pauses, breakerFirst, breakerLongest), pause{reason: reason})
	b.pauses++
	return true
}

// refused begins the pause of a client that is refused.
func (b *breaker) refused(now time.Time, reason string) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause.config && b.pause.left(now) > 0 {
		return false
	}
	b.beginLocked(now, backoff(b.pauses, configFirst, configLongest), pause{reason: reason, config: true})
	b.pauses++
	return true
}

// asked begins a pause that the server has asked for.
func (b *breaker) asked(now time.Time, d time.Duration) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause.left(now) >= d {
		return false
	}
	b.beginLocked(now, d, pause{reason: retryAfter})
	return true
}

// beginLocked begins a pause, which ends no earlier than the one that it takes the place of.
func (b *breaker) beginLocked(now time.Time, d time.Duration, p pause) {
	p.since, p.until, p.host = now, now.Add(max(d, b.pause.left(now))), b.host
	b.pause, b.probe = p, 0
}

// backoff doubles from first to longest, n being 0 for the first time.
func backoff(n int, first, longest time.Duration) time.Duration {
	d := first
	for range min(n, 30) {
		if d *= 2; d >= longest {
			return longest
		}
	}
	return min(d, longest)
}
