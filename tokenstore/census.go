package tokenstore

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// censusPage is how many records the census reads at once.
const censusPage = 200

// censusRetry is the wait after the storage failed to give a page.
const censusRetry = 5 * time.Second

// census counts the connections by state, for metrics. It is taken in the background after
// the start, and kept true by each commit.
//
// What it remembers of each is all the memory that a connection takes which nobody uses: a hash, a
// state, and when it was asked for. The hashes of a million ids are all different, but for one chance in many millions; then
// a count is wrong by one.
type census struct {
	seed maphash.Seed

	mu     sync.Mutex
	states map[uint64]censusEntry   // guarded by mu; by the hash of the id
	counts map[string]map[State]int // guarded by mu; by provider
	// deleted are those that were deleted while the census was being taken, so that a page
	// read before the deletion does not bring them back. Nil when it is complete.
	deleted map[ID]bool // guarded by mu
}

// censusEntry is what is known of a connection.
type censusEntry struct {
	asked uint32 // seconds since the epoch; 0 if nobody has since the start
	state uint8  // its place among the states
}

// states begins with that of a connection which the census has not come to yet.
var states = [...]State{"", StateReady, StateRetrying, StateNeedsConsent}

func newCensus() census {
	return census{
		seed:   maphash.MakeSeed(),
		states: map[uint64]censusEntry{}, counts: map[string]map[State]int{}, deleted: map[ID]bool{},
	}
}

func (c *census) hash(id ID) uint64 { return maphash.Comparable(c.seed, id) }

func (c *census) set(id ID, state State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setLocked(id, state)
	delete(c.deleted, id)
}

// found adds what a page of the storage has, unless something newer is known.
func (c *census) found(id ID, state State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states[c.hash(id)].state == 0 && !c.deleted[id] {
		c.setLocked(id, state)
	}
}

func (c *census) remove(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uncountLocked(id)
	delete(c.states, c.hash(id))
	if c.deleted != nil {
		c.deleted[id] = true
	}
}

func (c *census) setLocked(id ID, state State) {
	c.uncountLocked(id)
	e := c.states[c.hash(id)]
	for n := range uint8(len(states)) {
		if states[n] == state {
			e.state = n
		}
	}
	c.states[c.hash(id)] = e
	if c.counts[id.Provider] == nil {
		c.counts[id.clone().Provider] = map[State]int{}
	}
	c.counts[id.Provider][state]++
}

func (c *census) uncountLocked(id ID) {
	before := states[c.states[c.hash(id)].state]
	if before == "" {
		return
	}
	of := c.counts[id.Provider]
	if of[before]--; of[before] <= 0 {
		delete(of, before)
	}
	if len(of) == 0 {
		delete(c.counts, id.Provider)
	}
}

// ask notes that somebody asks for the connection.
func (c *census) ask(id ID, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.states[c.hash(id)]
	e.asked = uint32(min(max(now.Unix(), 0), math.MaxUint32))
	c.states[c.hash(id)] = e
}

// askedAt returns when somebody asked for the connection, the zero time if nobody has since the start.
func (c *census) askedAt(id ID) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.states[c.hash(id)]; e.asked != 0 {
		return time.Unix(int64(e.asked), 0)
	}
	return time.Time{}
}

// complete marks the census as taken.
func (c *census) complete() {
	c.mu.Lock()
	c.deleted = nil
	c.mu.Unlock()
}

// Census counts the connections by provider and state. Those whose record is
// damaged have no state and are not counted. Shortly after Open it may not have
// counted all of them yet.
func (s *Store) Census() map[string]map[State]int {
	s.census.mu.Lock()
	defer s.census.mu.Unlock()
	counts := make(map[string]map[State]int, len(s.census.counts))
	for provider, of := range s.census.counts {
		counts[provider] = maps.Clone(of)
	}
	return counts
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// takeCensus reads all records once, page by page.
func (s *Store) takeCensus(ctx context.Context) {
	after := ""
	for ctx.Err() == nil {
		page, err := s.backend.List(ctx, bucketConnections, "", after, censusPage)
		if err != nil && ctx.Err() == nil {
			s.observer().Trouble("counting the connections", err)
		}
		if err != nil && !errors.Is(err, storage.ErrDamaged) { // what is damaged is not among those that are counted
			sleep(ctx, censusRetry)
			continue
		}
		for _, raw := range page {
			after = raw.Key.ID
			id, err := ParseID(raw.Key.ID)
			if err != nil {
				continue
			}
			if st := s.records.open(id, raw); st.damaged == nil && !st.unwritable {
				s.census.found(id, st.state())
			}
		}
		if len(page) < censusPage {
			s.census.complete()
			return
		}
	}
}
