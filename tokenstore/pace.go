package tokenstore

import (
	"context"
	"net/http"
	"slices"
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

	turns chan struct{} // the caller whose turn it is has it

	mu        sync.Mutex
	window    window // guarded by mu: when the next call may begin
	callers   int    // guarded by mu: who wait for a place
	scheduled int    // guarded by mu: slots that the schedule has taken
}

func newPace(p *Provider, host *breaker) *pace {
	return &pace{
		provider: p,
		slots:    make(chan struct{}, p.maxConcurrent),
		turns:    make(chan struct{}, 1),
		own:      new(breaker),
		host:     host,
		window:   newWindow(p.maxPerSecond),
	}
}

// inherit counts the calls of the last time that were made, or will be, with other settings of the same provider.
func (p *pace) inherit(old *pace) {
	old.mu.Lock()
	begun := slices.Concat(old.window.begun, slices.Repeat([]time.Time{time.Now()}, old.window.booked))
	old.mu.Unlock()
	p.mu.Lock()
	p.window.begun = begun
	p.mu.Unlock()
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

// enter waits for a place within the provider's rate, unless reserve has booked one already, and for a slot. In this order: who waits
// for a place has no slot that the call needs which has the place. The caller says when the call begins, and exits in the end.
func (p *pace) enter(ctx context.Context, booked *place) (taken *place, err error) {
	ctx, cancel := context.WithTimeout(ctx, enterDeadline)
	defer cancel()
	own := booked == nil || booked.pace != p
	if taken = booked; own {
		if err := p.turn(ctx); err != nil {
			return nil, err
		}
		taken = &place{pace: p, booked: true}
	}
	select {
	case p.slots <- struct{}{}:
		taken.used = true
		return taken, nil
	case <-ctx.Done():
		if own {
			p.unbook()
		}
		return nil, ctx.Err()
	}
}

// unbook gives back a place that a caller has booked.
func (p *pace) unbook() {
	p.mu.Lock()
	p.window.booked--
	p.mu.Unlock()
}

// turn waits until a place is free, one caller behind the other, and books it. It does not wait for what ctx does not last for.
func (p *pace) turn(ctx context.Context) error {
	if err := p.queue(ctx); err != nil {
		return err
	}
	defer p.unqueue()
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for wait := p.bookNow(); wait > 0; wait = p.bookNow() {
		if sleep(ctx, wait); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// queue counts one more caller who waits, if the turn will come before ctx ends.
func (p *pace) queue(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if end, bounded := ctx.Deadline(); bounded && now.Add(p.window.wait(now, p.callers)).After(end) {
		return context.DeadlineExceeded
	}
	p.callers++
	return nil
}

func (p *pace) unqueue() {
	p.mu.Lock()
	p.callers--
	p.mu.Unlock()
}

// bookNow books a place, or returns how long to wait for one.
func (p *pace) bookNow() (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait = p.window.wait(time.Now(), 0); wait <= 0 {
		p.window.book()
	}
	return wait
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
