package tokenstore

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// pace is how fast one provider may be called, and whether at all.
type pace struct {
	provider *Provider
	slots    chan struct{}
	// own is for what its server has against this provider, and host, which all providers with the same
	// token host share, for a server that is down.
	own, host *breaker

	mu        sync.Mutex
	window    window // guarded by mu: when the next call may begin
	scheduled int    // guarded by mu: slots that the schedule has taken
}

func newPace(p *Provider, host *breaker) *pace {
	return &pace{
		provider: p,
		slots:    make(chan struct{}, p.maxConcurrent),
		own:      new(breaker),
		host:     host,
		window:   newWindow(p.maxPerSecond),
	}
}

// admit returns why the provider must not be called now, or nil. After a
// pause it admits one call, to see. Whoever is admitted calls leave in the end, whatever happened; it
// reports whether it has made room for another call of that kind.
func (p *pace) admit(id ID, now time.Time) (leave func() (freed bool), err error) {
	own, against := p.own.admit(now)
	if against.none() {
		var host uint64
		if host, against = p.host.admit(now); against.none() {
			return func() bool {
				ofOwn, ofHost := p.own.leave(own), p.host.leave(host)
				return ofOwn || ofHost
			}, nil
		}
		p.own.leave(own)
	}
	wait := max(time.Second, against.left(now))
	if against.config {
		return nil, &MisconfiguredError{Provider: p.provider.name, Reason: against.reason, RetryAfter: wait}
	}
	return nil, &UnavailableError{ID: id, RetryAfter: wait, Reason: against.reason}
}

// paused returns the longer of the pauses that the provider is in, if any, and whether one stands against a call.
func (p *pace) paused(now time.Time) (longer pause, stands bool) {
	longer, stands = p.own.now(now)
	host, down := p.host.now(now)
	if host.until.After(longer.until) {
		longer = host
	}
	return longer, stands || down
}

// enterDeadline is how long a flight waits for its provider's turn.
const enterDeadline = 20 * time.Second

// enter waits for a slot and, unless reserve has booked one already, for a place within the
// provider's rate. The caller says when the call begins, and exits in the end.
func (p *pace) enter(ctx context.Context, booked *place) (taken *place, err error) {
	ctx, cancel := context.WithTimeout(ctx, enterDeadline)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if booked != nil && booked.pace == p {
		booked.used = true
		return booked, nil
	}
	taken = &place{pace: p}
	if taken.until, err = p.turn(ctx); err != nil {
		taken.exit()
		return nil, err
	}
	return taken, nil
}

// turn waits until one more call may begin, and returns until when its place is taken. It books nothing that ctx does not last for.
func (p *pace) turn(ctx context.Context) (until time.Time, err error) {
	p.mu.Lock()
	now := time.Now()
	wait := p.window.wait(now, 0)
	if end, bounded := ctx.Deadline(); bounded && now.Add(wait).After(end) {
		p.mu.Unlock()
		return time.Time{}, context.DeadlineExceeded
	}
	until = p.window.book(now)
	p.mu.Unlock()
	sleep(ctx, wait)
	return until, ctx.Err()
}

// succeeded is for a call that began then. It reports whether a pause has ended.
func (p *pace) succeeded(began, now time.Time) (changed bool) {
	own, host := p.own.succeeded(began, now), p.host.succeeded(began, now)
	return own || host
}

// failed tells what a failure of a call that began then means for the provider as a whole, and for all others of its host. It
// reports whether one of them is in another pause now, or in none.
func (p *pace) failed(e *oauth.Error, began, now time.Time) (changed bool) {
	down := e.ServerDown() && !asksForPause(e)
	switch {
	case down:
		changed = p.host.failed(began, now, e.Reason)
	case e.Status != 0:
		changed = p.host.answered()
	}
	return p.failedItself(e, down, began, now) || changed
}

// asksForPause reports whether a server says when it wants to be asked again. It says so to one client: another one may be
// welcome.
func asksForPause(e *oauth.Error) bool {
	return e.RetryAfter > 0 && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable)
}

// failedItself tells what it means for the provider alone. How long to wait is said to one client, and
// limits of rates are counted by client.
func (p *pace) failedItself(e *oauth.Error, down bool, began, now time.Time) (changed bool) {
	switch {
	case e.Class == oauth.Config:
		return p.own.refused(now, e.Reason)
	case e.Class == oauth.Dead:
		return p.own.answered() // the server works, and one grant is gone
	case asksForPause(e):
		return p.own.asked(now, e.RetryAfter)
	case down:
		return false
	}
	return p.own.failed(began, now, e.Reason)
}

// place is what one refresh has of its provider: a slot, and a place within the rate.
type place struct {
	pace  *pace
	until time.Time // as the window has it
	used  bool      // the provider is called, or would be if the storage worked
}

// reserve takes what one refresh of the schedule needs. It leaves one slot and one place within the rate, so that a caller who
// waits for a token finds them not taken by background work. If it cannot, it returns nil and when to try again, the zero
// time if something else will wake the schedule.
func (p *pace) reserve(now time.Time) (taken *place, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause, stands := p.paused(now)
	if stands || p.scheduled >= max(1, p.provider.maxConcurrent-1) {
		return nil, pause.until
	}
	// The window goes by the monotonic clock: one that is set back must not keep it shut.
	monotonic := time.Now()
	if wait := p.window.waitEvenly(monotonic); wait > 0 {
		return nil, now.Add(wait)
	}
	p.scheduled++
	return &place{pace: p, until: p.window.bookEvenly(monotonic)}, time.Time{}
}

// begins says that the call begins now. The place is taken for a second from now on, and not from when it was booked: an intent was
// saved in between, which takes one time longer than another, and there would be a second with more calls than that.
func (pl *place) begins() {
	p := pl.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	pl.until = p.window.extend(pl.until, time.Now())
}

// exit makes room for another call.
func (pl *place) exit() { <-pl.pace.slots }

// leave gives back what reserve took of the schedule's part, and the place within the rate too if nothing is in sight for which the provider was to be called:
// what is refreshed in vain takes no place from what can be refreshed.
func (pl *place) leave(idle bool) {
	p := pl.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scheduled--
	if idle && !pl.used {
		p.window.giveBack(pl.until)
	}
}
