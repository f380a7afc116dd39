package tokenstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// clockStep is a step of the wall clock of the store, of which a token lives four hours.
type clockStep struct {
	name string
	by   time.Duration
	to   time.Time // instead of by
	// prompt: the step lets the token expire, and it must be refreshed within two minutes.
	prompt bool
	// refusals is how often the API may refuse a token later on: a clock that went back hides an expiry once.
	refusals int
	// sleeps: no clock is wrong. The machine slept, and all clocks went on meanwhile.
	sleeps bool
}

var clockSteps = []clockStep{
	{name: "a second forward", by: time.Second},
	{name: "a minute forward", by: time.Minute},
	{name: "an hour forward", by: time.Hour},
	{name: "a day forward", by: day, prompt: true},
	{name: "a year forward", by: year, prompt: true},
	{name: "ten years forward", by: 10 * year, prompt: true},
	{name: "to the last minute before 2038 is too much for 32 bits", to: time.Date(2038, 1, 19, 3, 13, 0, 0, time.UTC), prompt: true},
	{name: "a second back", by: -time.Second},
	{name: "a minute back", by: -time.Minute},
	{name: "an hour back", by: -time.Hour, refusals: 1},
	{name: "a day back", by: -day, refusals: 1},
	{name: "a year back", by: -year, refusals: 1},
	{name: "ten years back", by: -10 * year, refusals: 1},
	{name: "a sleep of a minute", by: time.Minute, sleeps: true},
	{name: "a sleep of an hour", by: time.Hour, sleeps: true},
	{name: "a sleep of a day", by: day, prompt: true, sleeps: true},
	{name: "a sleep of a month", by: 30 * day, prompt: true, sleeps: true},
}

// clockMoment is when the clock is set: after what comes before, and before what comes after.
type clockMoment struct {
	name          string
	before, after func(*world)
}

var clockMoments = []clockMoment{
	{name: "while it waits", before: func(*world) { time.Sleep(10 * time.Minute) }},
	{name: "just before it is due", before: func(*world) { time.Sleep(3*time.Hour + 50*time.Minute) }},
	{name: "during a refresh", before: func(w *world) {
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 10 * time.Second})
		w.refreshAside()
	}},
	{name: "during a refresh whose answer is lost", before: func(w *world) {
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 10 * time.Second, Cut: true})
		w.refreshAside()
	}},
	{name: "after a failure", before: func(w *world) {
		w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 503, Header: map[string][]string{"Retry-After": {"60"}}})
		w.refresh()
	}},
	{name: "while the provider is paused", before: func(w *world) {
		w.server.Script(refusal("invalid_client"))
		w.refresh()
	}},
	{name: "while the store is shut", before: func(w *world) {
		if err := w.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}, after: (*world).open},
}

// refreshAside lets a refresh begin.
func (w *world) refreshAside() {
	go func() { _, _ = w.Refresh(w.t.Context(), demo) }()
	time.Sleep(time.Second)
}

// TestAClockThatIsSetKillsNoGrantAndHammersNoServer sets the wall clock of the store, and later back again, at each
// moment where that could matter. Nothing may be deleted or die of it.
func TestAClockThatIsSetKillsNoGrantAndHammersNoServer(t *testing.T) {
	scenarios := 0
	for _, step := range clockSteps {
		for _, moment := range clockMoments {
			scenarios++
			t.Run(step.name+" "+moment.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { step.play(t, moment, 0) })
			})
		}
	}
	t.Logf("%d scenarios", scenarios)
}

// play connects, waits for a while and for the moment, and sets the clock.
func (step clockStep) play(t *testing.T, moment clockMoment, wait time.Duration) {
	var asleep atomic.Int64
	w := newWorld(t, standin.Options{
		Rotation: standin.RotateAlways, Grace: 100 * day,
		Now: func() time.Time { return time.Now().Add(time.Duration(asleep.Load())) },
	}, nil)
	defer w.end()
	w.connect(demo)
	time.Sleep(wait)
	moment.before(w)
	by := step.by
	if !step.to.IsZero() {
		by = step.to.Sub(w.now())
	}
	w.offset.Store(int64(by))
	if step.sleeps {
		asleep.Store(int64(by))
	}
	if moment.after != nil {
		moment.after(w)
	}
	w.liveOn(step)
	if !step.sleeps {
		w.offset.Store(0)
		w.liveOn(clockStep{refusals: 1})
	}
	if len(w.seen.consents) > 0 {
		t.Errorf("consent is needed: %v", w.seen.consents)
	}
}

// liveOn demands a token that the API accepts, for six hours after a step of the clock.
func (w *world) liveOn(step clockStep) {
	w.t.Helper()
	before := w.server.Refreshes()
	time.Sleep(2 * time.Minute)
	if step.prompt && w.server.Refreshes() == before {
		w.t.Error("the token that has expired by now is not refreshed")
	}
	refusals := 0
	for i := range 12 {
		time.Sleep(30 * time.Minute)
		tok, err := w.Token(w.t.Context(), demo, tokenstore.Want{})
		if err == nil && !w.accepted(tok) {
			refusals++
			tok, err = w.Rejected(w.t.Context(), tok)
		}
		if err != nil || !w.accepted(tok) {
			w.t.Errorf("at half hour %d: %v", i, err)
		}
	}
	synctest.Wait()
	if refusals > step.refusals {
		w.t.Errorf("the API refused %d tokens, want %d at the most", refusals, step.refusals)
	}
	if n := w.server.Refreshes() - before; n < 1 || n > 12 {
		w.t.Errorf("%d refreshes in six hours, of a token that lives four", n)
	}
	if s, err := w.Status(w.t.Context(), demo); errors.Is(err, tokenstore.ErrNotFound) || s.State != tokenstore.StateReady {
		w.t.Errorf("the connection is %+v, %v", s, err)
	}
}
