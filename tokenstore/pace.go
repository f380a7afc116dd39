package tokenstore

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// How a provider is left in peace.
const (
	// A server that fails this often in a row, whoever asked, is not asked for a while.
	breakerThreshold = 5
	breakerFirst     = 10 * time.Second
	breakerLongest   = 5 * time.Minute

	// A server that refuses the client will go on doing so until somebody acts.
	configFirst   = time.Minute
	configLongest = time.Hour

	// No pause is longer than this; one that seems to be comes from a clock
	// that was set back.
	longestPause = time.Hour
)

// pace is how fast one provider may be called, and whether at all.
type pace struct {
	provider *Provider
	slots    chan struct{}

	mu        sync.Mutex
	window    window    // guarded by mu: when the next call may begin
	failures  int       // guarded by mu: transient failures in a row, of all connections
	pauses    int       // guarded by mu: pauses in a row
	until     time.Time // guarded by mu: not called before
	reason    string    // guarded by mu: why
	config    bool      // guarded by mu: the pause is for a refused client
	probing   bool      // guarded by mu: the one call after a pause is under way
	scheduled int       // guarded by mu: slots that the schedule has taken
}

func newPace(p *Provider) *pace {
	return &pace{
		provider: p,
		slots:    make(chan struct{}, p.maxConcurrent),
		window:   newWindow(p.maxPerSecond),
	}
}

// admit returns why the provider must not be called now, or nil. After a
// pause it admits one call, to see; the others wait for what comes of it. The one who
// probes calls abandoned in the end, whatever happened.
func (p *pace) admit(id ID, now time.Time) (probe bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.IsZero() {
		return false, nil
	}
	left := p.until.Sub(now)
	if left > longestPause {
		left = 0
	}
	if left <= 0 && !p.probing {
		p.probing = true
		return true, nil
	}
	wait := max(time.Second, left)
	if p.config {
		return false, &MisconfiguredError{Provider: p.provider.name, Reason: p.reason, RetryAfter: wait}
	}
	return false, &UnavailableError{ID: id, RetryAfter: wait, Reason: p.reason}
}

// enterDeadline is how long a flight waits for its provider's turn.
const enterDeadline = 20 * time.Second

// enter waits for a slot and, unless reserve has booked one already, for a place within the
// provider's rate. The caller releases the slot.
func (p *pace) enter(ctx context.Context, booked bool) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, enterDeadline)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release = func() { <-p.slots }
	if booked {
		return release, nil
	}
	if err := p.turn(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// turn waits until one more call may begin. It books nothing that ctx does not last for.
func (p *pace) turn(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	wait := p.window.wait(now, 0)
	if end, bounded := ctx.Deadline(); bounded && now.Add(wait).After(end) {
		p.mu.Unlock()
		return context.DeadlineExceeded
	}
	p.window.book(now)
	p.mu.Unlock()
	sleep(ctx, wait)
	return ctx.Err()
}

// pause is what an outcome changes about the provider's pause.
type pause struct {
	changed bool
	until   time.Time // zero: it ended
	reason  string
}

// succeeded ends every pause.
func (p *pace) succeeded() pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := pause{changed: !p.until.IsZero()}
	p.failures, p.pauses, p.until, p.reason, p.config, p.probing = 0, 0, time.Time{}, "", false, false
	return ended
}

// failed tells what a failure means for the provider as a whole.
func (p *pace) failed(e *oauth.Error, now time.Time) pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	wasProbing := p.probing
	p.probing = false
	switch {
	case e.Class == oauth.Config:
		return p.pauseLocked(now, backoff(p.pauses, configFirst, configLongest), e.Reason, true)
	case e.Class == oauth.Dead:
		// The server works, and one grant is gone.
		p.failures = 0
		if wasProbing {
			p.pauses, p.until, p.reason, p.config = 0, time.Time{}, "", false
			return pause{changed: true}
		}
		return pause{}
	case e.RetryAfter > 0 && (e.Status == 429 || e.Status == 503):
		return p.pauseLocked(now, e.RetryAfter, "retry_after", false)
	}
	p.failures++
	if wasProbing || p.failures >= breakerThreshold {
		return p.pauseLocked(now, backoff(p.pauses, breakerFirst, breakerLongest), e.Reason, false)
	}
	return pause{}
}

func (p *pace) pauseLocked(now time.Time, d time.Duration, reason string, config bool) pause {
	p.pauses++
	p.until, p.reason, p.config = now.Add(d), reason, config
	return pause{changed: true, until: p.until, reason: reason}
}

// abandoned gives back the right to probe, which an outcome has used up unless the
// call was not made after all.
func (p *pace) abandoned() {
	p.mu.Lock()
	p.probing = false
	p.mu.Unlock()
}

// reserve takes what one refresh of the schedule needs: a slot, and a place within the rate. It leaves
// one of each, so that a caller who waits for a token finds them not taken by background work. If
// it cannot, until is when to try again, the zero time if something else will wake the schedule.
func (p *pace) reserve(now time.Time) (ok bool, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := p.until.Sub(now); left > 0 && left <= longestPause || !p.until.IsZero() && p.probing {
		return false, p.until
	}
	if p.scheduled >= max(1, p.provider.maxConcurrent-1) {
		return false, p.until
	}
	// The window goes by the monotonic clock: one that is set back must not keep it shut.
	monotonic := time.Now()
	if wait := p.window.wait(monotonic, 1); wait > 0 {
		return false, now.Add(wait)
	}
	p.window.book(monotonic)
	p.scheduled++
	return true, time.Time{}
}

func (p *pace) unreserve() {
	p.mu.Lock()
	p.scheduled--
	p.mu.Unlock()
}

// pausedUntil returns the end of the pause, the zero time if there is none.
func (p *pace) pausedUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until
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
