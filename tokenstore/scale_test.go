package tokenstore_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

func TestScale(t *testing.T) {
	f := newFleet(t, *fleetSize, nil)
	t.Run("a store is open at once and an idle connection takes next to no memory", func(t *testing.T) {
		f.t = t
		checkStart(t, f)
	})
	t.Run("all are due at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f.t = t
			checkHerd(t, f)
		})
	})
}

func checkStart(t *testing.T, f *fleet) {
	before := heap()
	began := time.Now()
	file, err := bolt.Open(f.path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := f.open(file, f, func() time.Time { return fleetBorn })
	defer f.close(s)
	defer s.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{f.provider(nil)}})()
	if _, err := s.Token(t.Context(), fleetID(f.size/2), tokenstore.Want{}); err != nil {
		t.Fatal(err)
	}
	ready := time.Since(began)
	for s.Census()[demo.Provider][tokenstore.StateReady] < f.size {
		runtime.Gosched()
	}
	counted := time.Since(began)
	const itself = 256 << 10 // the store, whatever is in it
	each := float64(max(0, heap()-before-itself)) / float64(f.size)
	t.Logf("%d connections: the first token after %s, all counted after %s, %.1f bytes of heap for each", f.size, ready, counted, each)
	if ready > 2*time.Second {
		t.Errorf("the first token came after %s", ready)
	}
	if each > 64 {
		t.Errorf("an idle connection takes %.1f bytes", each)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func checkHerd(t *testing.T, f *fleet) {
	const perSecond, atOnce = 1000, 251
	f.took = 200 * time.Millisecond
	// The next round is spread by the time that this one takes, and by the jitter, which is half of the
	// lead time. If one is as long as the other, their sum has a peak: let it be much longer.
	lead := 5 * time.Minute
	if f.size < 500_000 {
		lead = 48 * time.Minute
	}
	p := f.provider(func(c *tokenstore.ProviderConfig) {
		c.MaxConcurrent, c.MaxPerSecond, c.Lead = atOnce, perSecond, lead
	})
	file, err := bolt.Open(f.path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := f.open(file, f, time.Now)
	defer f.close(s)
	defer s.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{p}})()

	began := time.Now()
	asked, longest := 0, time.Duration(0)
	for f.calls() < f.size && time.Since(began) < time.Hour {
		time.Sleep(rand.N(50 * time.Millisecond))
		before := time.Now()
		if _, err := s.Token(t.Context(), fleetID(rand.IntN(f.size)), tokenstore.Want{}); err != nil {
			t.Fatal(err)
		}
		asked, longest = asked+1, max(longest, time.Since(before))
	}
	time.Sleep(f.took)
	took := time.Since(began)
	time.Sleep(time.Hour)
	synctest.Wait()

	second := f.mostIn(time.Second)
	spread := f.spread(s)
	t.Logf("%d due at once, refreshed within %s: at most %d in a second of %d allowed, %d at once of %d; %d callers waited at most %s; next round max/mean per minute %.2f",
		f.size, took, second, perSecond, f.mostAtOnce, atOnce, asked, longest, spread)
	if len(f.begun) != f.size || f.wrong > 0 {
		t.Errorf("%d refreshes of %d connections, %d with a token that was used before", len(f.begun), f.size, f.wrong)
	}
	if second > perSecond || f.mostAtOnce > atOnce {
		t.Errorf("%d in a second of %d allowed, %d at once of %d", second, perSecond, f.mostAtOnce, atOnce)
	}
	if most := time.Duration(f.size/perSecond+1) * time.Second * 5 / 4; took > most {
		t.Errorf("the server could have done it in %s, and it took %s", most*4/5, took)
	}
	if longest > time.Second {
		t.Errorf("a caller waited %s", longest)
	}
	if spread > 1.5 {
		t.Errorf("the next round has %.2f times as many in a minute as in the mean", spread)
	}
}

// mostIn returns the most calls that began within d.
func (f *fleet) mostIn(d time.Duration) (most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := 0
	for i, at := range f.begun {
		for at.Sub(f.begun[first]) >= d {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// spread returns by how much the fullest minute of the next round exceeds the mean.
func (f *fleet) spread(s *tokenstore.Store) float64 {
	minutes := map[int64]int{}
	for after := ""; ; {
		page, next, err := s.List(f.t.Context(), "", after, 1000)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, c := range page {
			minutes[c.NextRefresh.Unix()/60]++
		}
		if after = next; next == "" {
			break
		}
	}
	most := 0
	for _, n := range minutes {
		most = max(most, n)
	}
	return float64(most) * float64(len(minutes)) / float64(f.size)
}
