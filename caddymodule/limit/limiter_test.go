package limit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// clock is a clock that a test sets.
type clock struct{ time time.Time }

func (c *clock) now() time.Time { return c.time }

func (c *clock) advance(d time.Duration) { c.time = c.time.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func newTestLimiter(t testing.TB, now func() time.Time, most int, l ...Limit) *Limiter {
	t.Helper()
	limiter, err := newLimiter(l, now, most)
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

const minute = caddy.Duration(time.Minute)

func TestAdmission(t *testing.T) {
	// A step is a request, or the end of an earlier one.
	type step struct {
		after              time.Duration
		caller, connection string
		want               time.Duration // to wait; 0: it passes
		end                int           // the step whose request ends, counted from 1, in place of a request
	}
	for _, tc := range []struct {
		name   string
		limits Limits
		steps  []step
	}{
		{"a burst, and then the rate", Limits{{Per: "caller", Requests: 2, Burst: 3}}, []step{
			{caller: "a"}, {caller: "a"}, {caller: "a"}, {caller: "a", want: time.Second},
			{after: 499 * time.Millisecond, caller: "a", want: time.Second},
			{after: time.Millisecond, caller: "a"}, {caller: "a", want: time.Second},
		}},
		{"the burst is what the window holds, unless it is set", Limits{{Per: "caller", Requests: 3, Window: minute}}, []step{
			{caller: "a"}, {caller: "a"}, {caller: "a"}, {caller: "a", want: 20 * time.Second},
		}},
		{"callers do not use up each other's rate", Limits{{Per: "caller", Requests: 1}}, []step{
			{caller: "a", connection: "x"}, {caller: "b", connection: "x"}, {caller: "a", connection: "y", want: time.Second},
		}},
		{"the rate of a connection is that of all its callers", Limits{{Per: "connection", Requests: 2}}, []step{
			{caller: "a", connection: "x"}, {caller: "b", connection: "x"}, {caller: "c", connection: "x", want: time.Second}, {caller: "c", connection: "y"},
		}},
		{"the time to wait is rounded up", Limits{{Per: "caller", Requests: 4, Window: minute, Burst: 1}}, []step{
			{caller: "a"}, {after: time.Millisecond, caller: "a", want: 15 * time.Second},
			{after: 999 * time.Millisecond, caller: "a", want: 14 * time.Second},
			{after: 14 * time.Second, caller: "a"},
		}},
		{"the longer of two times to wait is told", Limits{{Per: "caller", Requests: 1, Window: minute}, {Per: "connection", Requests: 1}}, []step{
			{caller: "a"}, {caller: "a", want: time.Minute}, {caller: "b", want: time.Second},
		}},
		{"one at a time", Limits{{Per: "caller", Concurrent: 1}}, []step{
			{caller: "a"}, {caller: "a", want: time.Second}, {caller: "b"}, {end: 1}, {caller: "a"},
		}},
		{"a connection two at a time", Limits{{Per: "connection", Concurrent: 2}}, []step{
			{caller: "a"}, {caller: "b"}, {caller: "c", want: time.Second}, {end: 2}, {caller: "c"}, {caller: "b", want: time.Second},
		}},
		{"a request that ends twice ends once", Limits{{Per: "caller", Concurrent: 2}}, []step{
			{caller: "a"}, {caller: "a"}, {end: 1}, {end: 1}, {caller: "a"}, {caller: "a", want: time.Second}, {end: 1}, {caller: "a", want: time.Second},
		}},
		{"what is refused has no end", Limits{{Per: "caller", Concurrent: 1}}, []step{
			{caller: "a"}, {caller: "a", want: time.Second}, {end: 2}, {caller: "a", want: time.Second},
		}},
		{"the connection's refusal costs the caller nothing", Limits{{Per: "caller", Requests: 2, Window: minute}, {Per: "caller", Concurrent: 2}, {Per: "connection", Concurrent: 1}}, []step{
			{caller: "b", connection: "x"},
			{caller: "a", connection: "x", want: time.Second}, {caller: "a", connection: "x", want: time.Second}, {caller: "a", connection: "x", want: time.Second},
			{caller: "a", connection: "y"}, {caller: "a", connection: "z"},
		}},
		{"the caller's refusal costs the connection nothing", Limits{{Per: "connection", Requests: 2, Window: minute}, {Per: "caller", Concurrent: 1}}, []step{
			{caller: "a"}, {caller: "a", want: time.Second}, {caller: "a", want: time.Second}, {caller: "b"}, {caller: "c", want: 30 * time.Second},
		}},
		{"a limit of one kind counts nothing of the other", Limits{{Per: "caller", Concurrent: 1}, {Per: "connection", Requests: 3, Window: minute}}, []step{
			{caller: "a"}, {end: 1}, {caller: "a"}, {end: 3}, {caller: "a"}, {end: 5}, {caller: "a", want: 20 * time.Second},
		}},
		{"a caller may have the name of a connection", Limits{{Per: "caller", Concurrent: 1}, {Per: "connection", Concurrent: 1}}, []step{
			{caller: "a", connection: "b"}, {caller: "b", connection: "a"}, {caller: "", connection: ""}, {caller: "", connection: "c", want: time.Second},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClock()
			l := newTestLimiter(t, c.now, MaxEntries, tc.limits...)
			releases := make([]func(), len(tc.steps))
			for i, s := range tc.steps {
				c.advance(s.after)
				if s.end > 0 {
					releases[s.end-1]()
					continue
				}
				release, wait, ok := l.Admit(s.caller, s.connection)
				if wait != s.want || ok != (s.want == 0) {
					t.Fatalf("step %d: wait %s, admitted %t; want %s", i+1, wait, ok, s.want)
				}
				releases[i] = release
			}
		})
	}
}

func TestWithoutLimitsEverythingIsAdmitted(t *testing.T) {
	l, err := New(nil, time.Now)
	if l != nil || err != nil {
		t.Fatalf("limiter %v, error %v", l, err)
	}
	release, wait, ok := l.Admit("a", "x")
	if wait != 0 || !ok {
		t.Errorf("wait %s, admitted %t", wait, ok)
	}
	release()
}

func TestAtOnceNoMoreThanTheBurstPass(t *testing.T) {
	const burst = 100
	c := newClock()
	l := newTestLimiter(t, c.now, MaxEntries, Limit{Per: "connection", Requests: burst}, Limit{Per: "caller", Requests: burst / 2})
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range burst {
				if _, _, ok := l.Admit([]string{"a", "b"}[i%2], "x"); ok {
					admitted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := admitted.Load(); n != burst {
		t.Errorf("%d were admitted, want %d", n, burst)
	}
}

func TestAtOnceNoMoreThanTheConcurrentAreUnderWay(t *testing.T) {
	const most = 3
	l := newTestLimiter(t, time.Now, MaxEntries, Limit{Per: "connection", Concurrent: most}, Limit{Per: "caller", Requests: mostCount})
	var underWay, admitted atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 2000 {
				release, _, ok := l.Admit(string(rune('a'+i)), "x")
				if !ok {
					continue
				}
				admitted.Add(1)
				if n := underWay.Add(1); n > most {
					t.Errorf("%d are under way", n)
				}
				underWay.Add(-1)
				go release() // two ends at once are one
				release()
			}
		})
	}
	wg.Wait()
	if admitted.Load() < most {
		t.Errorf("only %d were admitted", admitted.Load())
	}
	if len(l.underWay) != 0 {
		t.Errorf("%d requests are under way after all have ended", len(l.underWay))
	}
	for _, table := range []*table{l.callers, l.connections} {
		for name, e := range table.entries {
			if e.underWay != 0 {
				t.Errorf("%s: %d are counted after all have ended", name, e.underWay)
			}
		}
	}
}
