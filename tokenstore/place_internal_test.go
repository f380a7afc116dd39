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
