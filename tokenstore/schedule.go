package tokenstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// scheduleSleep is the longest time between two looks at the whole due index. Whatever else goes
	// wrong, a wake-up that is lost or an entry that nobody knows of, the next one mends it.
	scheduleSleep = 30 * time.Second
	// passesApart lies between two passes at least while more is due than may be started: each flight that lands asks
	// for a pass, and hundreds in a second do with fewer.
	passesApart = 5 * time.Millisecond
	// passPause lies between two passes at least if nobody asks for one, and scanPause while there is more to read in the
	// index.
	passPause = 10 * time.Millisecond
	scanPause = 2 * time.Millisecond
	// purgePause lies between two looks for what has expired among the consents.
	purgePause = time.Minute
	// damageTold is how often an observer is told at most that the due index is damaged, and troubleTold
	// how often of anything else that keeps it from being read.
	damageTold  = time.Minute
	troubleTold = 5 * time.Second
)

// schedule decides when to start which connection. The due times themselves are in the storage, in the due index; nothing
// is kept in memory for a connection that waits. What is due gets from the index into the queue of its provider (scan.go), and from
// there, as fast as the provider may be called, on its way (start.go).
type schedule struct {
	wakeup chan struct{}
	// These have room for one word: the due index is damaged, and the providers are others.
	damaged, reloaded chan struct{}

	holds holds
	told  told

	// These are for the schedule's goroutine only.
	scan    scan
	queues  map[string]*queue // by provider
	config  *configuration    // the one that the queues are for
	crowded bool              // the last pass came upon a provider that took no more
	purged  time.Time         // of the monotonic clock

	mu       sync.Mutex
	look     time.Time        // guarded by mu: nothing new is due before, as far as is known
	seen     time.Time        // guarded by mu: what is due until then has been read, or is about to be
	lap      time.Duration    // guarded by mu: when the whole index is to be read again, as holds count
	arrived  []queued         // guarded by mu: due, but not to be found by reading on in the index
	later    laters           // guarded by mu
	underway map[ID]*underway // guarded by mu: the flights of the schedule
}

// underway is what is known of a flight of the schedule.
type underway struct {
	settled bool      // its due time is known to be this
	due     time.Time // the zero time for never
}

func newSchedule() schedule {
	return schedule{
		wakeup: make(chan struct{}, 1), damaged: make(chan struct{}, 1), reloaded: make(chan struct{}, 1), holds: newHolds(),
		queues: map[string]*queue{}, underway: map[ID]*underway{},
	}
}

// wake makes the schedule look again soon.
func (c *schedule) wake() { say(c.wakeup) }

// noteDamage lets somebody look for what the due index has lost.
func (c *schedule) noteDamage() { say(c.damaged) }

// say puts a word into a channel that has room for one, if there is none.
func say(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// notice tells the schedule that the due time of a connection is this, as it was saved. It wakes up if that is earlier than
// what it sleeps for.
func (c *schedule) notice(id ID, due time.Time) {
	c.mu.Lock()
	if u := c.underway[id]; u != nil {
		u.settled, u.due = true, due
	}
	earlier := !due.IsZero() && due.Before(c.look)
	if earlier && !due.After(c.seen) {
		c.arriveLocked(queued{id: id, at: due})
	} else if earlier {
		c.look = due
	}
	c.mu.Unlock()
	if earlier {
		c.wake()
	}
}

// arrive puts into its queue what is due.
func (c *schedule) arrive(e queued) {
	c.mu.Lock()
	c.arriveLocked(e)
	c.mu.Unlock()
	c.wake()
}

func (c *schedule) arriveLocked(e queued) {
	if len(c.arrived) >= queueMost {
		c.lap = 0
		return
	}
	e.id = e.id.clone()
	c.arrived = append(c.arrived, e)
}

// postpone looks at a connection again when its hold is over. Where too many are held for that, the whole index is read again.
func (c *schedule) postpone(e queued, until time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.later.add(later{queued: e, until: until}) {
		c.lap = min(c.lap, until)
	}
}

// told remembers when an observer was told of trouble with the due index.
type told struct {
	mu              sync.Mutex
	damage, trouble time.Time // guarded by mu; of the monotonic clock
}

// again reports whether it may be told again.
func (t *told) again(damaged bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, pause := &t.trouble, troubleTold
	if damaged {
		last, pause = &t.damage, damageTold
	}
	if !last.IsZero() && time.Since(*last) < pause {
		return false
	}
	*last = time.Now()
	return true
}

// tellDamagedIndex tells the observer, though not each time, why the due index cannot be read or changed.
func (s *Store) tellDamagedIndex(err error) {
	if errors.Is(err, storage.ErrDamaged) {
		s.schedule.noteDamage()
	}
	if s.schedule.told.again(errors.Is(err, storage.ErrDamaged)) {
		s.observer().Trouble("reading the schedule", err)
	}
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
		if last.Sub(s.schedule.purged) >= purgePause {
			s.schedule.purged = last
			s.purgeConsents(ctx)
		}
		now := s.now()
		timer.Reset(s.pass(ctx, now))
	}
}

// pass starts what is due and can be started, and returns how long to sleep before the next one.
func (s *Store) pass(ctx context.Context, now time.Time) time.Duration {
	s.adoptQueues()
	soon, err := s.fillQueues(ctx, now)
	next, wants := s.startQueued(now)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			s.tellDamagedIndex(err)
		}
		next = earliest(next, now.Add(holdFailed))
	case soon || wants:
		return scanPause
	default:
		next = earliest(next, s.schedule.looksAt(now))
	}
	return max(passPause, next.Sub(now))
}

// adoptQueues makes the queues those of the configuration in force. With another configuration, everything gets another try.
func (s *Store) adoptQueues() {
	c, config := &s.schedule, s.config.Load()
	if c.config == config {
		return
	}
	c.config = config
	queues := make(map[string]*queue, len(config.providers))
	for name := range config.providers {
		if queues[name] = c.queues[name]; queues[name] == nil {
			queues[name] = new(queue)
		}
	}
	c.queues = queues
	c.holds.forgetAll()
	say(c.reloaded)
	c.mu.Lock()
	c.scan, c.lap = scan{complete: true, began: -lapPause}, 0 // the whole index is read at once
	c.mu.Unlock()
}
