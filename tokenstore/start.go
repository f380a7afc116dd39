package tokenstore

import (
	"context"
	"time"
)

// startQueued starts what the queues have, as far as the pace of each provider allows, and returns when it may allow more, and
// whether a queue wants to be filled.
func (s *Store) startQueued(now time.Time) (next time.Time, wants bool) {
	c := &s.schedule
	c.crowded = false
	next = now.Add(scheduleSleep)
	for name, q := range c.queues {
		for pc := s.pace(c.config.providers[name]); len(q.entries) > 0; {
			e := q.entries[0]
			if !s.startable(e, now) {
				q.pop()
				continue
			}
			taken, until := pc.reserve(now)
			if taken == nil {
				c.crowded = true
				if until.After(now) {
					next = earliest(next, until)
				}
				break
			}
			q.pop()
			s.start(e, taken, now)
		}
		wants = wants || q.wants()
	}
	return next, wants
}

// waits reports whether e is not to be started yet. Something else will look at it then: the end of its flight or of its hold, or the time
// that holds in place of the one in the index.
func (s *Store) waits(e queued, now time.Time) bool {
	if s.schedule.isUnderway(e.id) {
		return true
	}
	if until := s.schedule.holds.until(e.id); until != 0 {
		s.schedule.postpone(e, until)
		return true
	}
	at, unmoved := s.records.unmoved.wanted(e.id)
	return unmoved && (at.IsZero() || at.After(now))
}

// startable reports whether e can be started if its provider allows it. What is not is gone from its queue.
func (s *Store) startable(e queued, now time.Time) bool {
	// One that is not due is of a clock that was set back since; it is found again.
	if e.at.After(now) || e.id.Validate() != nil || s.waits(e, now) {
		return false
	}
	// A flight of somebody else may leave the due time as it is, as that of an import does which has committed it.
	return !s.flights.behind(e.id, func() { s.schedule.arrive(e) })
}

// start lets a refresh begin that has its place.
func (s *Store) start(e queued, taken *place, now time.Time) {
	s.schedule.begin(e.id)
	_, own, err := s.flights.join(e.id, job{
		run: func(ctx context.Context) (*Token, error) {
			return s.fly(ctx, e.id, ask{trigger: TriggerSchedule, place: taken})
		},
		landed: func(err error) { s.landDue(e, taken, err) },
	})
	if err != nil || !own {
		taken.leave(true)
		s.schedule.end(e.id)
		if err == nil {
			s.schedule.arrive(e) // somebody was quicker
		}
		return
	}
	s.observer().Late(taken.pace.provider.name, max(0, now.Sub(e.at)))
}

// landDue cleans up behind a flight of the schedule.
func (s *Store) landDue(e queued, taken *place, err error) {
	taken.leave(err == nil || inVain(err))
	if err != nil {
		_ = s.explain(e.id, err) // reports a panic
	}
	if !s.schedule.outcome(e.id, err, s.now()) {
		s.schedule.postpone(e, s.schedule.holds.land(e.id, err))
	}
	s.schedule.end(e.id)
	s.schedule.wake()
}

func (c *schedule) begin(id ID) {
	c.mu.Lock()
	c.underway[id] = new(underway)
	c.mu.Unlock()
}

func (c *schedule) end(id ID) {
	c.mu.Lock()
	delete(c.underway, id)
	c.mu.Unlock()
}

func (c *schedule) isUnderway(id ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.underway[id] != nil
}

// outcome reports whether it is known when the connection is due after its flight, and nothing speaks against starting it then. One that is
// due again at once waits a moment, or a server whose tokens live no longer than that would be asked without a pause.
func (c *schedule) outcome(id ID, err error, now time.Time) (known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.underway[id]
	return u.settled && (u.due.IsZero() || err == nil && u.due.After(now.Add(holdLanded)))
}
