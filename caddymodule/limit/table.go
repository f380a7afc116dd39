package limit

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// MaxEntries is how many callers, and how many connections, a Limiter tells apart at a time. It remembers
// those who have requests under way or whose burst is not whole again; 65536 of them take
// about 16 MiB. While there are that many, newcomers are counted together, as if they were one: those with a name, and those
// of neighbouring networks. A flood of made-up callers uses up each other's limit, not that of those who are known, nor
// that of most other newcomers. A newcomer who gets an entry of its own later may have requests under way in both.
const MaxEntries = 1 << 16

// How many entries each request looks at, to forget those with nothing to remember. That is
// more than the one that it may add, so that the idle never pile up, and so few
// that no request waits for a great clearing.
const looks = 2

// neighbourhoods is how many limits the newcomers share while there is no room. It is also by how much they may
// exceed one caller's limit then, all together.
const neighbourhoods = 256

// table is the counts of callers, or of connections. Its methods take a nil table for one without limits.
type table struct {
	rate       rate.Limit
	burst      int // 0: the rate is not limited
	concurrent int // 0: not limited

	most    int
	entries map[string]*entry
	ring    []*entry               // all entries, for forget to go round
	next    int                    // in ring
	shared  [neighbourhoods]*entry // of newcomers who find no room; nil: nobody yet
	seed    maphash.Seed           // of what decides who they share with
}

// entry is what is counted for one caller or connection.
type entry struct {
	key      string
	bucket   *rate.Limiter // nil: the rate is not limited
	underWay int
}

// newTable returns nil if nothing is limited per that.
func newTable(l Limits, per string, most int) *table {
	t := &table{most: most, entries: make(map[string]*entry), seed: maphash.MakeSeed()}
	for _, limit := range l {
		if limit.Per != per {
			continue
		}
		limit = limit.withDefaults()
		if limit.Concurrent > 0 {
			t.concurrent = limit.Concurrent
			continue
		}
		t.rate = rate.Limit(float64(limit.Requests) / time.Duration(limit.Window).Seconds())
		t.burst = limit.Burst
	}
	if t.burst == 0 && t.concurrent == 0 {
		return nil
	}
	return t
}

func (t *table) newEntry(key string) *entry {
	e := &entry{key: key}
	if t.burst > 0 {
		e.bucket = rate.NewLimiter(t.rate, t.burst)
	}
	return e
}

// find returns where key is counted, nil for a newcomer for whom there is room.
func (t *table) find(key string) *entry {
	if t == nil {
		return nil
	}
	if e := t.entries[key]; e != nil {
		return e
	}
	if len(t.ring) >= t.most {
		return t.sharedBy(key)
	}
	return nil
}

// sharedBy returns where key is counted while there is no room. Nobody outside knows which networks share an entry, and
// can choose one to use up somebody else's.
func (t *table) sharedBy(key string) *entry {
	i := 0 // the callers with a name, who cannot be made up
	if network := neighbourhood(key); network != "" {
		i = 1 + int(maphash.String(t.seed, network)%(neighbourhoods-1))
	}
	if t.shared[i] == nil {
		t.shared[i] = t.newEntry("")
	}
	return t.shared[i]
}

// wait returns how long a request has to wait that is to be counted in e, in whole seconds; 0 if
// it need not. Nobody knows when a request ends, so that those who wait for one ask
// again after a second.
func (t *table) wait(e *entry, now time.Time) time.Duration {
	if e == nil {
		return 0
	}
	var wait time.Duration
	if t.concurrent > 0 && e.underWay >= t.concurrent {
		wait = time.Second
	}
	if e.bucket != nil {
		missing := 1 - e.bucket.TokensAt(now)
		// Cut off at nanoseconds as rate.Limiter does, so that the two agree. After
		// the time that was told, rounding errors must not refuse again.
		exact := time.Duration(missing / float64(t.rate) * float64(time.Second))
		wait = max(wait, (exact + time.Second - 1).Truncate(time.Second))
	}
	return wait
}

// take counts a request for which wait has returned 0 in e, or in a new entry, and returns where.
func (t *table) take(e *entry, key string, now time.Time) *entry {
	if t == nil {
		return nil
	}
	if e == nil {
		// The key may be a small part of a large header; do not keep all of that.
		e = t.newEntry(strings.Clone(key))
		t.entries[e.key] = e
		t.ring = append(t.ring, e)
	}
	if e.bucket != nil {
		e.bucket.AllowN(now, 1)
	}
	if t.concurrent > 0 {
		e.underWay++
	}
	return e
}

// release takes back what take has counted in e and that ends with the request.
func (t *table) release(e *entry) {
	if t != nil && t.concurrent > 0 {
		e.underWay--
	}
}

// forget looks at the next entries, and drops those that say no more than a new one would.
func (t *table) forget(now time.Time) {
	if t == nil {
		return
	}
	for range min(looks, len(t.ring)) {
		if t.next >= len(t.ring) {
			t.next = 0
		}
		e := t.ring[t.next]
		if e.underWay > 0 || e.bucket != nil && e.bucket.TokensAt(now) < float64(t.burst) {
			t.next++
			continue
		}
		last := len(t.ring) - 1
		t.ring[t.next], t.ring[last] = t.ring[last], nil
		t.ring = t.ring[:last]
		delete(t.entries, e.key)
	}
}

// longestKey is how long keys are kept as they are.
const longestKey = 64

// bounded returns a key of bounded length for a caller or connection whose name may be of any. The key
// of a longer one is longer than longestKey, so that nobody can choose a name that is counted as another's.
func bounded(name string) string {
	if len(name) <= longestKey {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:longestKey] + string(sum[:])
}
