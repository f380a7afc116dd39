package limit

import (
	"sync"
	"time"
)

// Limiter counts the requests of one route. It is safe for concurrent use; a nil Limiter admits everything.
// It needs no closing.
type Limiter struct {
	now func() time.Time

	// One mutex for all: what is done under it takes less than a microsecond, and a request must
	// find its caller's and its connection's counts as they are at one moment.
	mu          sync.Mutex
	callers     *table             // guarded by mu; nil: no limits per caller
	connections *table             // guarded by mu; nil: no limits per connection
	underWay    map[uint64]counted // guarded by mu; nil: no limits of concurrent requests
	last        uint64             // guarded by mu: the last number in underWay
}

// counted is where a request that is under way is counted. Either may be nil.
type counted struct{ caller, connection *entry }

// New returns a Limiter, nil if there are no limits. The error has all that is wrong with them. now
// must not go backwards, as time.Now does not; it is called by one goroutine at a time.
func New(l Limits, now func() time.Time) (*Limiter, error) {
	return newLimiter(l, now, MaxEntries)
}

func newLimiter(l Limits, now func() time.Time, most int) (*Limiter, error) {
	if err := l.check(); err != nil || len(l) == 0 {
		return nil, err
	}
	limiter := &Limiter{now: now, callers: newTable(l, perCaller, most), connections: newTable(l, perConnection, most)}
	for _, limit := range l {
		if limit.Concurrent > 0 {
			limiter.underWay = make(map[uint64]counted)
		}
	}
	return limiter, nil
}

// Admit decides about a request of caller through connection that begins now. If ok, the
// caller of Admit calls release once when the request ends, whatever came of it; more calls do nothing.
// If not, release does nothing, nothing was counted, and the same request may pass after retryAfter, which
// is in whole seconds and at least one.
func (l *Limiter) Admit(caller, connection string) (release func(), retryAfter time.Duration, ok bool) {
	if l == nil {
		return nothing, 0, true
	}
	caller, connection = bounded(caller), bounded(connection)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now() // under mu: buckets must not see time go backwards
	counts := counted{l.callers.find(caller), l.connections.find(connection)}
	retryAfter = max(l.callers.wait(counts.caller, now), l.connections.wait(counts.connection, now))
	release = nothing
	if ok = retryAfter == 0; ok {
		release = l.take(counts, caller, connection, now)
	}
	// Also after a refusal: newcomers who are refused together need room.
	l.callers.forget(now)
	l.connections.forget(now)
	return release, retryAfter, ok
}

// take counts an admitted request. l.mu is held.
func (l *Limiter) take(c counted, caller, connection string, now time.Time) (release func()) {
	c = counted{l.callers.take(c.caller, caller, now), l.connections.take(c.connection, connection, now)}
	if l.underWay == nil {
		return nothing
	}
	// A number that is struck off, not a variable that notes the release: it spares each
	// request an allocation.
	l.last++
	number := l.last
	l.underWay[number] = c
	return func() { l.release(number) }
}

func nothing() {}

func (l *Limiter) release(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.underWay[number]
	if !ok {
		return // released before
	}
	delete(l.underWay, number)
	l.callers.release(c.caller)
	l.connections.release(c.connection)
}
