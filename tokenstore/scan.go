package tokenstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// scanPage is how many entries of the due index are read at once.
	scanPage = 1024
	// scanMost is about how many are read in one pass.
	scanMost = 8 * scanPage
	// lapPause lies between the beginnings of two readings of the whole index.
	lapPause = time.Second
)

// scan is how far the due index has been read. What falls due comes behind what was due before, so that it is enough to read on; now
// and then the whole index is read again, for what has come in between.
type scan struct {
	front    storage.Due   // each entry up to this one was offered to its queue
	complete bool          // there was nothing due behind front
	began    time.Duration // the last reading from the beginning, as holds count
}

// looksAt returns when there is something to read in the index, or to take out of memory.
func (c *schedule) looksAt(now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	monotonic, at := c.holds.now(), c.look
	in := func(until time.Duration) { at = earliest(at, now.Add(until-monotonic)) }
	if c.scan.complete {
		in(max(c.lap, c.scan.began+lapPause))
	}
	if len(c.later.heap) > 0 {
		in(c.later.heap[0].until)
	}
	return at
}

// fillQueues puts into the queues what is due. soon: there is more to read at once.
func (s *Store) fillQueues(ctx context.Context, now time.Time) (soon bool, err error) {
	c := &s.schedule
	read := c.prepare(now)
	due, again := s.records.unmoved.due(now, func(id ID) bool {
		q := c.queues[id.Provider]
		return q != nil && !q.full() && c.holds.until(id) == 0
	})
	for _, e := range append(due, c.takeArrived()...) {
		s.offerArrived(e, now)
	}
	if !again.IsZero() {
		c.lookAt(again)
	}
	budget := scanMost
	for name, q := range c.queues {
		if q.wants() {
			err = errors.Join(err, s.catchUp(ctx, name, q, now, &budget))
		}
	}
	if read || !c.scan.complete {
		err = errors.Join(err, s.readOn(ctx, now, &budget))
	}
	return err == nil && budget <= 0, err
}

// prepare begins to read the index anew if it is time to, and reports whether something new is due. Whoever saves an
// earlier due time from now on wakes the schedule.
func (c *schedule) prepare(now time.Time) (read bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.seen) { // the clock was set back
		c.look = now
		if back := (storage.Due{At: now}); compareDue(back, c.scan.front) < 0 {
			c.scan.front = back
		}
	}
	c.seen = now
	monotonic := c.holds.now()
	lap := c.scan.complete && monotonic >= c.lap && monotonic-c.scan.began >= lapPause
	if lap {
		c.scan = scan{began: monotonic}
		c.lap = monotonic + scheduleSleep
	}
	if read = lap || !now.Before(c.look); read {
		c.look = now.Add(scheduleSleep)
	}
	return read
}

// lookAt makes the schedule look again at that time.
func (c *schedule) lookAt(at time.Time) {
	c.mu.Lock()
	c.look = earliest(c.look, at)
	c.mu.Unlock()
}

// takeArrived returns what has arrived, and what is held no longer.
func (c *schedule) takeArrived() []queued {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := slices.Concat(c.arrived, c.later.over(c.holds.now()))
	c.arrived = nil
	return due
}

// offerArrived puts e into its queue, wherever it is in the index, if anywhere.
func (s *Store) offerArrived(e queued, now time.Time) {
	q := s.schedule.queues[e.id.Provider]
	if q == nil || s.waits(e, now) || q.push(e) {
		return
	}
	q.missed(storage.Due{At: e.at})
}

// catchUp reads for one provider what there was no room for in its queue.
func (s *Store) catchUp(ctx context.Context, provider string, q *queue, now time.Time, budget *int) error {
	for q.more && *budget > 0 {
		page, err := s.due(ctx, now, q.from, scanPage)
		if err != nil {
			return err
		}
		*budget -= len(page)
		q.more = len(page) == scanPage
		for _, entry := range page {
			if compareDue(entry, s.schedule.scan.front) > 0 {
				q.more = false // from here on all are offered
				break
			}
			e, ok := queuedOf(entry)
			if ok && e.id.Provider == provider && !s.waits(e, now) && !q.push(e) {
				q.more = true
				return nil
			}
			q.from = entry
		}
	}
	return nil
}

// readOn offers what is due behind the front to the queues. An entry of a provider that is not configured costs no more than
// to be read once: it may come back with the next configuration.
func (s *Store) readOn(ctx context.Context, now time.Time, budget *int) error {
	c := &s.schedule
	c.scan.complete = false
	if due, err := s.comesNext(ctx, now); err != nil || !due {
		c.scan.complete = err == nil // most of the time there is nothing to do
		return err
	}
	for *budget > 0 && !c.nobodyTakes() {
		page, err := s.due(ctx, now, c.scan.front, scanPage)
		if err != nil {
			return err
		}
		*budget -= len(page)
		for _, entry := range page {
			s.offer(entry, now)
			c.scan.front = entry
		}
		if len(page) < scanPage {
			c.scan.complete = true
			break
		}
	}
	if c.scan.complete {
		_, err := s.comesNext(ctx, now)
		return err
	}
	return nil
}

// comesNext reports whether the entry behind the front is due. If it is not yet, the schedule will look then.
func (s *Store) comesNext(ctx context.Context, now time.Time) (due bool, err error) {
	next, err := s.due(ctx, now.Add(scheduleSleep), s.schedule.scan.front, 1)
	if err != nil || len(next) == 0 {
		return false, err
	}
	if next[0].At.After(now) {
		s.schedule.lookAt(next[0].At)
		return false, nil
	}
	return true, nil
}

// offer puts the entry behind the front into its queue.
func (s *Store) offer(entry storage.Due, now time.Time) {
	provider, _, _ := strings.Cut(entry.Key.ID, "/")
	q := s.schedule.queues[provider]
	if q == nil || q.more && compareDue(entry, q.from) > 0 {
		return // nobody's, or to be read again when there is room
	}
	if e, ok := queuedOf(entry); ok && !s.waits(e, now) && !q.push(e) {
		q.missed(s.schedule.scan.front)
	}
}

// nobodyTakes reports whether no queue takes what is behind the front.
func (c *schedule) nobodyTakes() bool {
	for _, q := range c.queues {
		if !q.more || compareDue(c.scan.front, q.from) < 0 {
			return false
		}
	}
	return true
}

// due reads a part of the due index. What is damaged in it is passed over and told.
func (s *Store) due(ctx context.Context, before time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	page, err := s.backend.Due(ctx, bucketConnections, before, after, limit)
	if errors.Is(err, storage.ErrDamaged) {
		s.tellDamagedIndex(err)
		err = nil
	}
	return page, err
}

// queuedOf returns the connection of an entry. Its id may be none.
func queuedOf(entry storage.Due) (e queued, ok bool) {
	provider, name, ok := strings.Cut(entry.Key.ID, "/")
	return queued{id: ID{Provider: provider, Name: name}, at: entry.At}, ok
}
