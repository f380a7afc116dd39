package limit

import (
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"pgregory.net/rapid"
)

// model is a limiter in whole numbers that forgets nobody and has room for all.
type model struct {
	limits Limits
	counts map[modelKey]*modelCount
}

type modelKey struct {
	limit int // in limits
	name  string
}

// modelCount is what one caller or connection has used of one limit. A token is worth window units, so that
// each nanosecond brings back as many units as there are requests in a window.
type modelCount struct {
	units    int64
	at       time.Time
	underWay int
}

// countsOf returns the counts, one of each limit, that a request is to be counted in.
func (m *model) countsOf(caller, connection string, now time.Time) []*modelCount {
	var all []*modelCount
	for i, l := range m.limits {
		key := modelKey{i, caller}
		if l.Per == perConnection {
			key.name = connection
		}
		whole := int64(l.Burst) * int64(l.Window)
		c := m.counts[key]
		if c == nil {
			c = &modelCount{units: whole, at: now}
			m.counts[key] = c
		}
		c.units = min(whole, c.units+int64(now.Sub(c.at))*int64(l.Requests))
		c.at = now
		all = append(all, c)
	}
	return all
}

func (m *model) admit(caller, connection string, now time.Time) (wait time.Duration, end func()) {
	counts := m.countsOf(caller, connection, now)
	for i, l := range m.limits {
		if l.Concurrent > 0 {
			if counts[i].underWay >= l.Concurrent {
				wait = max(wait, time.Second)
			}
			continue
		}
		if missing := int64(l.Window) - counts[i].units; missing > 0 {
			perSecond := int64(l.Requests) * int64(time.Second)
			wait = max(wait, time.Duration((missing+perSecond-1)/perSecond)*time.Second)
		}
	}
	if wait > 0 {
		return wait, nil
	}
	for i, l := range m.limits {
		counts[i].units -= int64(l.Window)
		if l.Concurrent > 0 {
			counts[i].underWay++
		}
	}
	return 0, func() {
		for i, l := range m.limits {
			if l.Concurrent > 0 {
				counts[i].underWay--
			}
		}
	}
}

// drawLimits draws limits of which some kinds may be missing.
func drawLimits(t *rapid.T) Limits {
	var limits Limits
	for _, per := range []string{perCaller, perConnection} {
		if rapid.Bool().Draw(t, "rate per "+per) {
			limits = append(limits, Limit{
				Per: per, Requests: rapid.IntRange(1, 12).Draw(t, "requests"), Burst: rapid.IntRange(0, 6).Draw(t, "burst"),
				Window: caddy.Duration(rapid.SampledFrom([]time.Duration{0, time.Second, 7 * time.Second, time.Minute}).Draw(t, "window")),
			})
		}
		if rapid.Bool().Draw(t, "concurrent per "+per) {
			limits = append(limits, Limit{Per: per, Concurrent: rapid.IntRange(1, 3).Draw(t, "concurrent")})
		}
	}
	return limits
}

func TestItAdmitsWhatASimpleModelAdmits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := drawLimits(t)
		c := newClock()
		l, err := New(limits, c.now)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{counts: make(map[modelKey]*modelCount)}
		for _, limit := range limits {
			m.limits = append(m.limits, limit.withDefaults())
		}
		type request struct{ release, end func() }
		var underWay []request
		names := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		t.Repeat(map[string]func(*rapid.T){
			"time passes": func(t *rapid.T) {
				c.advance(time.Duration(rapid.IntRange(1, 9000).Draw(t, "ms")) * time.Millisecond)
			},
			"request": func(t *rapid.T) {
				caller, connection := names.Draw(t, "caller"), names.Draw(t, "connection")
				want, end := m.admit(caller, connection, c.now())
				release, got, ok := l.Admit(caller, connection)
				if got != want || ok != (want == 0) {
					t.Fatalf("admitted %t, wait %s; the model says %s", ok, got, want)
				}
				if ok {
					underWay = append(underWay, request{release, end})
				}
				if rapid.Bool().Draw(t, "released though refused") && !ok {
					release()
				}
			},
			"end": func(t *rapid.T) {
				if len(underWay) == 0 {
					t.Skip("nothing is under way")
				}
				i := rapid.IntRange(0, len(underWay)-1).Draw(t, "which")
				underWay[i].end()
				underWay[i].release()
				underWay[i].release()
				underWay = append(underWay[:i], underWay[i+1:]...)
			},
		})
	})
}

// The promises of the package's documentation, to the nanosecond and with rates that have no
// exact binary fraction.
func TestNeverMoreThanTheBurstAndTheRateAndNeverLessThanPromised(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Limit{
			Per: perCaller, Requests: rapid.IntRange(1, 1000).Draw(t, "requests"),
			Window: caddy.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "window")),
			Burst:  rapid.IntRange(1, 20).Draw(t, "burst"),
		}
		c := newClock()
		l, err := New(Limits{limit}, c.now)
		if err != nil {
			t.Fatal(err)
		}
		window, requests := int64(limit.Window), int64(limit.Requests)
		var passed []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c.advance(time.Duration(rapid.Int64Range(0, 3*window/requests).Draw(t, "ns")))
			_, wait, ok := l.Admit("a", "")
			if !ok && rapid.Bool().Draw(t, "patient") {
				c.advance(wait)
				if _, _, ok = l.Admit("a", ""); !ok {
					t.Fatalf("refused after the %s that it was told to wait", wait)
				}
			}
			if ok {
				passed = append(passed, c.now())
			}
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				// A nanosecond is what the clock cannot tell.
				elapsed := int64(passed[j].Sub(passed[i])) + 1
				if n := int64(j - i + 1); (n-int64(limit.Burst))*window > elapsed*requests {
					t.Fatalf("%d passed in %d ns, with a burst of %d and %d in %d ns", n, elapsed, limit.Burst, requests, window)
				}
			}
		}
	})
}

func TestWhoeverKeepsToTheRequestsOfEachWindowIsNeverRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requests := rapid.IntRange(1, 10).Draw(t, "requests")
		window := time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "window"))
		c := newClock()
		l, err := New(Limits{{Per: perCaller, Requests: requests, Window: caddy.Duration(window)}}, c.now)
		if err != nil {
			t.Fatal(err)
		}
		var passed []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c.advance(time.Duration(rapid.Int64Range(0, int64(window)).Draw(t, "ns")))
			if n := len(passed) - requests; n >= 0 && c.now().Sub(passed[n]) < window {
				c.time = passed[n].Add(window)
			}
			if _, wait, ok := l.Admit("a", ""); !ok {
				t.Fatalf("request %d is refused for %s", len(passed)+1, wait)
			}
			passed = append(passed, c.now())
		}
	})
}
