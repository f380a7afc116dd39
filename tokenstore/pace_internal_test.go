package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNoSecondHasMoreCallsThanConfigured(t *testing.T) {
	for perSecond, want := range map[float64]struct{ calls, seconds int }{
		10:   {110, 10},
		1:    {10, 9},
		2.5:  {11, 5},
		0.5:  {3, 4},
		1000: {3001, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = perSecond, 1 }), new(breaker))
			time.Sleep(time.Hour) // saves nothing up
			start := time.Now()
			var begun []time.Time
			for range want.calls {
				taken, err := p.enter(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				taken.begins()
				begun = append(begun, time.Now())
				taken.exit()
			}
			if d := time.Since(start); d != time.Duration(want.seconds)*time.Second {
				t.Errorf("%d calls at %v in a second took %s, want %d s", want.calls, perSecond, d, want.seconds)
			}
			most := max(1, int(perSecond))
			for i := most; i < len(begun); i++ {
				if begun[i].Sub(begun[i-most]) < time.Second {
					t.Fatalf("more than %d began in the second from %s on", most, begun[i-most].Sub(start))
				}
			}
		})
	}
}

func TestTheScheduleLeavesAPlaceToWhoeverAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = 10, 100 }), new(breaker))
		start := time.Now()
		for range 9 {
			taken, _ := p.reserve(time.Now())
			if taken == nil {
				t.Fatal("it does not get what is there")
			}
			taken.begins()
			time.Sleep(time.Second / 10)
		}
		if taken, until := p.reserve(time.Now()); taken != nil || !until.Equal(start.Add(time.Second)) {
			t.Errorf("it gets the last place: %t, or is to come back at %s", taken != nil, until)
		}
		for range 11 {
			taken, err := p.enter(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			taken.begins()
		}
		// One place was free, nine became free one by one, and then the first caller's again.
		if d := time.Since(start); d != 1900*time.Millisecond {
			t.Errorf("the eleventh caller waited until %s", d)
		}
	})
}

func TestTheScheduleStartsEvenly(t *testing.T) {
	for _, perSecond := range []float64{0.5, 20, 300, 5000} {
		t.Run(fmt.Sprintf("%g a second", perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = perSecond, 1000 }), new(breaker))
				const long = 10 * time.Second
				most, all := 0, 0
				for start := time.Now(); time.Since(start) < long; time.Sleep(evenWithin) {
					together := 0
					for {
						taken, _ := p.reserve(time.Now())
						if taken == nil {
							break
						}
						taken.leave(false)
						together++
					}
					most, all = max(most, together), all+together
				}
				allowed, due := int(perSecond*evenWithin.Seconds())+1, perSecond*long.Seconds()
				t.Logf("%d started in %s, at most %d together of %d allowed", all, long, most, allowed)
				if most > allowed {
					t.Errorf("%d started together", most)
				}
				// The place that is left to callers is not the schedule's.
				if float64(all) < due*(1-1/max(2, perSecond))-1 {
					t.Errorf("%d started, and the rate allows %.0f", all, due)
				}
			})
		})
	}
}

func TestACallerWhoCannotWaitTakesNobodysPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = 0.1, 20 }), new(breaker))
		start := time.Now()
		enter := func(ctx context.Context) error {
			taken, err := p.enter(ctx, nil)
			if err == nil {
				taken.begins()
				taken.exit()
			}
			return err
		}
		if err := enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 10 {
			if err := enter(short); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 0 {
				t.Fatalf("enter returned %v after %s", err, time.Since(start))
			}
		}
		if err := enter(t.Context()); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("the next one waited %s: %v", time.Since(start), err)
		}
	})
}

// Between the booking of a place and the call, an intent is saved, which takes one time longer than another.
func TestNoSecondHasMoreCallsThanConfiguredHoweverLongAnIntentTakes(t *testing.T) {
	for _, tc := range []struct {
		perSecond, slots, callers, calls int
		late                             time.Duration
	}{
		{100, 50, 50, 2000, 20 * time.Millisecond},
		{1, 4, 6, 60, 700 * time.Millisecond},
		{2, 4, 10, 100, 1500 * time.Millisecond},
		{20, 4, 40, 400, 50 * time.Millisecond},
		{3, 1, 5, 50, 100 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%d a second, %d at once", tc.perSecond, tc.slots), func(t *testing.T) {
			checkNoSecondHasMore(t, tc.perSecond, tc.slots, tc.callers, tc.calls, tc.late)
		})
	}
}

// checkNoSecondHasMore lets half of the callers be the background.
func checkNoSecondHasMore(t *testing.T, perSecond, slots, callers, calls int, late time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = float64(perSecond), slots }), new(breaker))
		var mu sync.Mutex
		var begun []time.Time
		gone := 0 // they would have waited too long
		call := func(booked *place) {
			taken, err := p.enter(t.Context(), booked)
			if errors.Is(err, context.DeadlineExceeded) {
				mu.Lock()
				gone++
				mu.Unlock()
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(rand.N(late))
			taken.begins()
			mu.Lock()
			begun = append(begun, time.Now())
			mu.Unlock()
			taken.exit()
		}
		start := time.Now()
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				for range calls / callers {
					if i%2 == 0 {
						call(nil)
						continue
					}
					booked, _ := p.reserve(time.Now())
					for ; booked == nil; booked, _ = p.reserve(time.Now()) {
						time.Sleep(rand.N(late))
					}
					call(booked)
					booked.leave(false)
				}
			})
		}
		all.Wait()
		took := time.Since(start)
		slices.SortFunc(begun, time.Time.Compare)
		for i := perSecond; i < len(begun); i++ {
			if begun[i].Sub(begun[i-perSecond]) < time.Second {
				t.Fatalf("more than %d began in the second from %s on", perSecond, begun[i-perSecond].Sub(start))
			}
		}
		t.Logf("%d calls in %s at %d a second", len(begun), took, perSecond)
		if len(begun)+gone != calls || gone > calls/2 {
			t.Errorf("%d of %d calls were made, and %d given up", len(begun), calls, gone)
		}
	})
}
