package tokenstore

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestAScheduleThatLooksSeldomOnABusyMachineStartsAsManyAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, each, long = 1000, 45 * time.Millisecond, 9 * time.Second
		p := newPace(testProvider(t, func(c *ProviderConfig) { c.MaxPerSecond, c.MaxConcurrent = perSecond, 1000 }), new(breaker))
		all := 0
		for start := time.Now(); time.Since(start) < long; time.Sleep(each) {
			for taken, _ := p.reserve(time.Now()); taken != nil; taken, _ = p.reserve(time.Now()) {
				taken.leave(false)
				all++
			}
		}
		t.Logf("%d started in %s with a look each %s", all, long, each)
		if all < perSecond*int(long.Seconds())*95/100 { // the last second ends between two looks
			t.Errorf("%d started in %s", all, long)
		}
	})
}

func TestWhatIsTriedInVainIsHeldLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, id := newHolds(), ID{Provider: "p", Name: "c"}
		hold := func(err error) time.Duration { return h.land(id, err) - h.now() }
		want := holdFailed
		for range 12 {
			got := hold(fmt.Errorf("it is gone: %w", ErrDamagedRecord))
			if got != want {
				t.Fatalf("it is held for %s, want %s", got, want)
			}
			time.Sleep(got - time.Millisecond)
			if h.until(id) == 0 {
				t.Error("the hold is over too early")
			}
			time.Sleep(time.Millisecond)
			if h.until(id) != 0 {
				t.Error("the hold is not over")
			}
			want = min(2*want, holdLongest)
		}
		h.forgetVain(id)
		if h.until(id) != 0 {
			t.Error("it is held though its record was written")
		}
		if got := hold(ErrNotFound); got != holdFailed {
			t.Errorf("after that it is held for %s", got)
		}
		for range 3 { // what may pass is no reason to wait longer
			if got := hold(storage.ErrUnavailable); got != holdFailed {
				t.Errorf("while the storage is out of order it is held for %s", got)
			}
		}
		if got := hold(nil); got != holdLanded {
			t.Errorf("after a success it is held for %s", got)
		}
	})
}

func TestHoldsAreForgottenWhenTheyAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds()
		most := 0
		for i := range 100_000 { // a thousand a second
			h.land(ID{Provider: "p", Name: fmt.Sprint(i)}, errors.New("it may pass"))
			most = max(most, len(h.of))
			time.Sleep(time.Millisecond)
		}
		t.Logf("at most %d were kept", most)
		if limit := int((holdFailed + 2*holdSweep) / time.Millisecond); most > limit {
			t.Errorf("%d were kept", most)
		}
		for range 3 {
			h.land(ID{Provider: "p", Name: "vain"}, ErrNotFound)
		}
		time.Sleep(10 * time.Minute)
		h.land(ID{Provider: "p", Name: "last"}, nil)
		if len(h.of) != 1 {
			t.Errorf("%d are kept", len(h.of))
		}
	})
}

func TestAQueueKeepsItsOrderAndItsBound(t *testing.T) {
	q := new(queue)
	name := func(i int) queued { return queued{id: ID{Provider: "p", Name: fmt.Sprint(i)}} }
	for i := range queueMost {
		for range 2 { // the second time it is there already
			if !q.push(name(i)) {
				t.Fatalf("there is no room for number %d", i)
			}
		}
	}
	if q.push(name(queueMost)) || len(q.entries) != queueMost {
		t.Errorf("there are %d", len(q.entries))
	}
	for i := range queueMost {
		if q.entries[0] != name(i) {
			t.Fatalf("%s comes in place of number %d", q.entries[0].id, i)
		}
		q.pop()
	}
	if q.entries != nil || q.ids != nil {
		t.Error("an empty queue takes memory")
	}
	at := func(s int64) storage.Due { return storage.Due{At: time.Unix(s, 0)} }
	for _, s := range []int64{7, 3, 5} {
		q.missed(at(s))
	}
	if !q.more || !q.from.At.Equal(time.Unix(3, 0)) {
		t.Errorf("it is read again from %s", q.from.At)
	}
}

func TestWhatIsLookedAtLaterComesInTheOrderOfItsTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l laters
		times := rapid.SliceOfNDistinct(rapid.IntRange(0, 1000), 0, 50, rapid.ID).Draw(t, "times")
		for _, n := range times {
			e := later{queued: queued{id: ID{Name: fmt.Sprint(n)}}, until: time.Duration(n)}
			for range 2 { // the second time it is there already
				if !l.add(e) {
					t.Fatal("there is no room")
				}
			}
		}
		now := rapid.IntRange(0, 1000).Draw(t, "now")
		last, over := -1, l.over(time.Duration(now))
		for _, e := range over {
			var n int
			if _, err := fmt.Sscan(e.id.Name, &n); err != nil || n <= last || n > now {
				t.Errorf("%d comes behind %d at %d", n, last, now)
			}
			last = n
		}
		due := 0
		for _, n := range times {
			if n <= now {
				due++
			}
		}
		if len(over) != due || len(over)+len(l.heap) != len(times) || len(l.ids) != len(l.heap) {
			t.Errorf("of %d, %d came and %d are left", len(times), len(over), len(l.heap))
		}
	})
}

func TestWhatTheRecordSaysHoldsAgainstAnIndexThatIsTooEarly(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := testProvider(t, nil)
	for name, tc := range map[string]struct {
		change func(*record)
		want   bool
	}{
		"fresh":                              {func(*record) {}, true},
		"in the time of the jitter":          {func(r *record) { r.RefreshedAt, r.ExpiresAt = now.Add(-4*time.Hour), now.Add(7*time.Minute) }, false},
		"over":                               {func(r *record) { r.ExpiresAt = now }, false},
		"fresh, and an open intent":          {func(r *record) { r.Intent = &intent{At: now} }, false},
		"without an access token":            {func(r *record) { r.AccessToken = secret.String{} }, false},
		"to be retried later":                {func(r *record) { r.Attempts, r.RetryAt = 1, now.Add(time.Minute) }, true},
		"to be retried now":                  {func(r *record) { r.Attempts, r.RetryAt = 1, now }, false},
		"to be retried by a clock gone wild": {func(r *record) { r.Attempts, r.RetryAt = 1, now.Add(1000*time.Hour) }, false},
		"of an unknown lifetime":             {func(r *record) { r.ExpiresAt = time.Time{} }, false},
		"on demand":                          {func(r *record) { r.Policy = &RefreshPolicy{Mode: RefreshOnDemand} }, true},
		"kept alive a moment ago":            {func(r *record) { r.Policy = &RefreshPolicy{Mode: RefreshKeepAlive, Period: time.Hour} }, true},
	} {
		r := record{AccessToken: secret.New("a"), RefreshToken: secret.New("r"), RefreshedAt: now, ExpiresAt: now.Add(4 * time.Hour)}
		tc.change(&r)
		if got := r.notYet(p, now); got != tc.want {
			t.Errorf("%s: not yet is %t", name, got)
		}
	}
}
