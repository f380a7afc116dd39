package tokenstore

import (
	"testing"
	"testing/synctest"
	"time"
)

// Where there is one place, who waits for it must not have what the holder of the place waits for.
func TestACallerWhoWaitsForAPlaceKeepsNoSlotFromTheCallThatHasIt(t *testing.T) {
	for _, slots := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = 1, slots }), new(breaker))
			start := time.Now()
			call := func(booked *place) {
				taken, err := p.enter(t.Context(), booked)
				if err != nil {
					t.Errorf("after %s: %v", time.Since(start), err)
					return
				}
				taken.begins()
				taken.exit()
			}
			booked, _ := p.reserve(time.Now())
			if booked == nil {
				t.Fatal("the schedule gets no place")
			}
			for range slots {
				go call(nil)
			}
			synctest.Wait()
			call(booked) // it has read its record meanwhile
			booked.leave(false)
			if d := time.Since(start); d != 0 {
				t.Errorf("with %d slots the call that has the place waited %s", slots, d)
			}
			time.Sleep(time.Duration(slots+1) * time.Second)
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Logf("%d callers and one refresh of the schedule with %d slots", slots, slots)
			if p.window.booked != 0 || len(p.slots) != 0 || p.callers != 0 || p.scheduled != 0 {
				t.Errorf("left are %d booked places, %d slots, %d callers and %d of the schedule", p.window.booked, len(p.slots), p.callers, p.scheduled)
			}
		})
	}
}

// A caller who gets no slot gives back the place that it has booked.
func TestACallerWhoGetsNoSlotKeepsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = 3, 1 }), new(breaker))
		slow, err := p.enter(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		slow.begins()
		start := time.Now()
		if _, err := p.enter(t.Context(), nil); err == nil || time.Since(start) != enterDeadline {
			t.Errorf("enter returned %v after %s", err, time.Since(start))
		}
		slow.exit()
		got := 0
		for ; p.bookNow() == 0; got++ {
		}
		t.Logf("%d places are free", got)
		if got != 3 {
			t.Errorf("of 3 places %d are free", got)
		}
	})
}

func TestTheOnlyPlaceIsThatOfTheCallerWhoWaits(t *testing.T) {
	for _, perSecond := range []float64{1, 0.2} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = perSecond, 4 }), new(breaker))
			schedule := 0
			refresh := func() {
				if booked, _ := p.reserve(time.Now()); booked != nil {
					booked.begins()
					booked.leave(false)
					schedule++
				}
			}
			refresh()
			got := make(chan time.Duration, 1)
			start := time.Now()
			go func() {
				taken, err := p.enter(t.Context(), nil)
				if err != nil {
					t.Error(err)
					got <- 0
					return
				}
				got <- time.Since(start)
				taken.begins()
				taken.exit()
			}()
			synctest.Wait()
			// The schedule asks first, whenever there may be a place.
			for range 2000 {
				time.Sleep(time.Second/100 - 1)
				refresh()
				time.Sleep(time.Nanosecond)
				refresh()
			}
			waited, length := <-got, time.Duration(float64(time.Second)/perSecond)
			t.Logf("at %g a second the caller waited %s, beside %d refreshes of the schedule", perSecond, waited, schedule)
			if waited > length {
				t.Errorf("at %g a second the caller waited %s", perSecond, waited)
			}
			if schedule < 3 {
				t.Errorf("the schedule got %d places", schedule)
			}
		})
	}
}
