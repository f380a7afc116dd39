package tokenstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// schedulePage is how many due entries are read at once.
	schedulePage = 256
	// scheduleMost is how many are looked at in one pass.
	scheduleMost = 16 * schedulePage
	// schedulePause lies between two passes if one was not enough.
	schedulePause = 50 * time.Millisecond
	// scheduleSleep is the longest time between two passes. Whatever else goes
	// wrong, a clock that jumps or a wake-up that is lost, the next pass mends it.
	scheduleSleep = 30 * time.Second
	// passesApart lies between two passes at least while more is due than may be started: each flight that lands asks
	// for a pass, and hundreds in a second do with fewer.
	passesApart = 5 * time.Millisecond
	// A connection is left alone for a moment after each flight that the schedule
	// started, and longer if that failed: its due time need not have moved, as when
	// the storage takes no writes, and must not be started again and again.
	holdLanded = time.Second
	holdFailed = 5 * time.Second
)

// schedule decides when to look at the due index again. The due times
// themselves are in the storage; nothing is kept in memory for a connection that waits.
type schedule struct {
	wakeup chan struct{}

	// cursor is where the next pass begins; only the schedule's goroutine uses it.
	cursor storage.Due
	// crowded: the last pass came upon a provider that took no more; only the schedule's goroutine uses it.
	crowded bool

	mu   sync.Mutex
	next time.Time        // guarded by mu: when the sleeping schedule wakes up
	held map[ID]time.Time // guarded by mu: not before
}

func newSchedule() schedule {
	return schedule{wakeup: make(chan struct{}, 1), held: map[ID]time.Time{}}
}

// wake makes the schedule look again soon.
func (c *schedule) wake() {
	select {
	case c.wakeup <- struct{}{}:
	default:
	}
}

// notice wakes the schedule up if due is earlier than what it sleeps for.
func (c *schedule) notice(due time.Time) {
	if due.IsZero() {
		return
	}
	c.mu.Lock()
	earlier := due.Before(c.next)
	c.mu.Unlock()
	if earlier {
		c.wake()
	}
}

// reached remembers how far a pass came; the zero Due if it saw all that is due.
func (c *schedule) reached(cursor storage.Due) { c.cursor = cursor }

func (c *schedule) hold(id ID, until time.Time) {
	c.mu.Lock()
	c.held[id] = until
	c.mu.Unlock()
}

// release forgets the holds that are over.
func (c *schedule) release(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, until := range c.held {
		if left := until.Sub(now); left <= 0 || left > holdFailed {
			delete(c.held, id)
		}
	}
}

// heldUntil returns when id may be looked at, the zero time if it may be now.
func (c *schedule) heldUntil(id ID) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held[id]
}

func (s *Store) runSchedule(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time // of the monotonic clock
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.schedule.wakeup:
			if wait := passesApart - time.Since(last); wait > 0 && s.schedule.crowded {
				timer.Reset(wait)
				continue
			}
		}
		last = time.Now()
		s.purgeConsents(ctx)
		now := s.now()
		next := s.pass(ctx, now)
		timer.Reset(max(10*time.Millisecond, next.Sub(now)))
	}
}

// pass starts what is due and can be started, and returns when to look again. What
// cannot be started stays in the index, and is passed over, so that one provider that is
// out of order keeps nobody else waiting.
func (s *Store) pass(ctx context.Context, now time.Time) (next time.Time) {
	next = now.Add(scheduleSleep)
	s.schedule.release(now)
	// Whoever commits an earlier due time from now on wakes the schedule.
	s.schedule.mu.Lock()
	s.schedule.next = next
	s.schedule.mu.Unlock()
	defer func() {
		s.schedule.mu.Lock()
		s.schedule.next = next
		s.schedule.mu.Unlock()
	}()

	cursor := s.schedule.cursor
	full := s.nobodyFull()
	defer func() { s.schedule.crowded = len(full.names) > 0 }()
	for range scheduleMost / schedulePage {
		entries, err := s.backend.Due(ctx, bucketConnections, next, cursor, schedulePage)
		if err != nil {
			if ctx.Err() == nil {
				s.observer().Trouble("reading the schedule", err)
			}
			return now.Add(holdFailed)
		}
		for _, e := range entries {
			if e.At.After(now) {
				s.schedule.reached(storage.Due{})
				return earliest(e.At, next)
			}
			if until := s.startDue(e, now, full); until.After(now) && until.Before(next) {
				next = until
			}
			if full.all() {
				// What is behind could not be started either. The next pass begins where this one did.
				return next
			}
		}
		if len(entries) < schedulePage {
			s.schedule.reached(storage.Due{})
			return next
		}
		cursor = entries[len(entries)-1]
	}
	// There are more than one pass looks at, and these may all have to wait for
	// their provider: the next pass goes on behind them.
	s.schedule.reached(cursor)
	return now.Add(schedulePause)
}

// fullProviders are those that took no more refreshes in a pass. With a million connections that are due
// and four that can be refreshed at a time, a pass must not look at all the others.
type fullProviders struct {
	names map[string]bool
	of    int // how many providers there are
}

func (s *Store) nobodyFull() *fullProviders {
	return &fullProviders{names: map[string]bool{}, of: len(s.config.Load().providers)}
}

func (f *fullProviders) all() bool { return f.of > 0 && len(f.names) >= f.of }

// startDue starts a refresh unless it is under way or must wait; until is when
// to look again, the zero time if something else will wake the schedule.
func (s *Store) startDue(e storage.Due, now time.Time, full *fullProviders) (until time.Time) {
	if provider, _, _ := strings.Cut(e.Key.ID, "/"); full.names[provider] {
		return time.Time{} // it has been told already
	}
	id, err := ParseID(e.Key.ID)
	// The flight under way may leave the due time as it is: an import wakes the schedule when
	// it has committed, which is before it has landed.
	if err != nil || s.flights.behind(id, s.schedule.wake) {
		return time.Time{}
	}
	if until := s.schedule.heldUntil(id); !until.IsZero() {
		return until
	}
	p, known := s.Provider(id.Provider)
	if !known {
		return time.Time{} // it may come back with the next configuration
	}
	pc := s.pace(p)
	if ok, until := pc.reserve(now); !ok {
		full.names[p.name] = true
		return until
	}
	_, own, err := s.flights.join(id, job{
		run:    func(ctx context.Context) (*Token, error) { return s.fly(ctx, id, ask{trigger: TriggerSchedule}) },
		landed: func(err error) { s.landDue(id, pc, err) },
	})
	if err != nil || !own {
		pc.unreserve()
		return now.Add(schedulePause) // somebody was quicker
	}
	s.observer().Late(p.name, max(0, now.Sub(e.At)))
	return time.Time{}
}

// landDue cleans up behind a flight of the schedule.
func (s *Store) landDue(id ID, pc *pace, err error) {
	pc.unreserve()
	hold := holdLanded
	if err != nil {
		hold = holdFailed
		_ = s.explain(id, err) // reports a panic
	}
	s.schedule.hold(id, s.now().Add(hold))
	s.schedule.wake()
}
