package tokenstore

import (
	"errors"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	// A connection is left alone for a moment after each flight of the schedule that failed, or that did not move its due
	// time, as when the storage takes no writes: it must not be started again and again.
	holdLanded = time.Second
	holdFailed = 5 * time.Second
	// holdLongest bounds the hold of what is tried in vain.
	holdLongest = time.Hour
	// holdSweep lies between two cleanings.
	holdSweep = 10 * time.Second
)

// holds says which connections the schedule must not start yet. It goes by the monotonic clock, and remembers a hash of each
// and no more, since very many can be damaged.
type holds struct {
	seed  maphash.Seed
	began time.Time

	mu    sync.Mutex
	of    map[uint64]hold // guarded by mu; by the hash of the id
	swept time.Duration   // guarded by mu: when it was cleaned
}

type hold struct {
	until time.Duration // since began
	vain  uint8         // how often in a row it was tried in vain
}

func newHolds() holds {
	return holds{seed: maphash.MakeSeed(), began: time.Now(), of: map[uint64]hold{}}
}

// now is the time that holds count in.
func (h *holds) now() time.Duration { return time.Since(h.began) }

func (h *holds) hash(id ID) uint64 { return maphash.Comparable(h.seed, id) }

// inVain reports whether a flight that failed so will fail again until somebody writes the record: that is damaged,
// has no grant, or is not there.
func inVain(err error) bool {
	return errors.Is(err, ErrDamagedRecord) || errors.Is(err, ErrNewerFormat) || errors.Is(err, ErrConsentNeeded) ||
		errors.Is(err, ErrNotFound) || errors.Is(err, storage.ErrDamaged)
}

// land holds a connection whose flight has ended with err, and returns until when. What is tried in vain is held longer each time.
func (h *holds) land(id ID, err error) (until time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	h.sweepLocked(now)
	key, e := h.hash(id), hold{}
	wait := holdLanded
	switch {
	case inVain(err):
		e.vain = h.of[key].vain + 1 - h.of[key].vain/math.MaxUint8
		wait = e.wait()
	case err != nil:
		wait = holdFailed
	}
	e.until = now + wait
	h.of[key] = e
	return e.until
}

// wait is how long what was tried in vain is held.
func (e hold) wait() time.Duration { return backoff(int(e.vain)-1, holdFailed, holdLongest) }

// until returns when the connection may be started, 0 if it may be now.
func (h *holds) until(id ID) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, held := h.of[h.hash(id)]; held && e.until > h.now() {
		return e.until
	}
	return 0
}

// forget ends the hold of a connection: its record was written.
func (h *holds) forget(id ID) {
	h.mu.Lock()
	delete(h.of, h.hash(id))
	h.mu.Unlock()
}

// forgetVain is forget for what was tried in vain: somebody has written the record.
func (h *holds) forgetVain(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if key := h.hash(id); h.of[key].vain > 0 {
		delete(h.of, key)
	}
}

// forgetAll ends all holds.
func (h *holds) forgetAll() {
	h.mu.Lock()
	clear(h.of)
	h.mu.Unlock()
}

// sweepLocked forgets the holds that are over, and how often something was tried in vain when that was not tried for
// long again.
func (h *holds) sweepLocked(now time.Duration) {
	if now-h.swept < holdSweep {
		return
	}
	h.swept = now
	for key, e := range h.of {
		over := e.until
		if e.vain > 0 {
			over += time.Minute + e.wait()
		}
		if over <= now {
			delete(h.of, key)
		}
	}
}
