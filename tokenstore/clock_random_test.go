package tokenstore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// clockStepAtRandom draws a step of seconds to decades.
func clockStepAtRandom(rt *rapid.T) clockStep {
	unit := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, day, year}).Draw(rt, "unit")
	by := time.Duration(rapid.Int64Range(int64(unit), 30*int64(unit)).Draw(rt, "by"))
	switch rapid.IntRange(0, 2).Draw(rt, "kind") {
	case 0:
		return clockStep{name: "back", by: -by, refusals: 1}
	case 1:
		// The server forgets an answer that was lost after the hundred days of its grace window.
		by = min(by, 90*day)
		return clockStep{name: "a sleep", by: by, prompt: by > 4*time.Hour, sleeps: true}
	}
	return clockStep{name: "forward", by: by, prompt: by > 4*time.Hour}
}

func TestAClockThatIsSetAtRandomKillsNoGrantAndHammersNoServer(t *testing.T) {
	scenarios := 0
	checkOften(t, 4, func(rt *rapid.T) {
		scenarios++
		step, moment := clockStepAtRandom(rt), rapid.SampledFrom(clockMoments).Draw(rt, "moment")
		wait := time.Duration(rapid.Int64Range(0, int64(8*time.Hour)).Draw(rt, "wait"))
		synctest.Test(t, func(t *testing.T) { step.play(t, moment, wait) })
		if t.Failed() {
			rt.Fatalf("after %s, %s by %s", wait, step.name, step.by)
		}
	})
	t.Logf("%d scenarios", scenarios)
}
