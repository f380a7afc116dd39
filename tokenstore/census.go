package tokenstore

import (
	"context"
	"sync"
	"time"
)

// censusPage is how many records the census reads at once.
const censusPage = 200

// censusRetry is the wait after the storage failed to give a page.
const censusRetry = 5 * time.Second

// census knows the state of every connection, for metrics: a word and a time
// each. It is taken in the background after the start, and kept true by each commit.
type census struct {
	mu      sync.Mutex
	entries map[ID]censusEntry // guarded by mu
	// deleted are those that were deleted while the census was being taken, so that a page
	// read before the deletion does not bring them back. Nil when it is complete.
	deleted map[ID]bool // guarded by mu
}

type censusEntry struct {
	state   State
	expires time.Time
}

func newCensus() census {
	return census{entries: map[ID]censusEntry{}, deleted: map[ID]bool{}}
}

func (c *census) set(id ID, state State, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[id] = censusEntry{state, expires}
	delete(c.deleted, id)
}

// found adds what a page of the storage has, unless something newer is known.
func (c *census) found(id ID, state State, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.entries[id]; !known && !c.deleted[id] {
		c.entries[id] = censusEntry{state, expires}
	}
}

func (c *census) remove(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, id)
	if c.deleted != nil {
		c.deleted[id] = true
	}
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
	counts := map[string]map[State]int{}
	for id, e := range s.census.entries {
		if counts[id.Provider] == nil {
			counts[id.Provider] = map[State]int{}
		}
		counts[id.Provider][e.state]++
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
		if err != nil {
			if ctx.Err() == nil {
				s.observer().Trouble("counting the connections", err)
			}
			sleep(ctx, censusRetry)
			continue
		}
		for _, raw := range page {
			after = raw.Key.ID
			id, err := ParseID(raw.Key.ID)
			if err != nil {
				continue
			}
			if st := s.records.open(id, raw); st.damaged == nil {
				s.census.found(id, st.state(), st.ExpiresAt)
			}
		}
		if len(page) < censusPage {
			s.census.complete()
			return
		}
	}
}
