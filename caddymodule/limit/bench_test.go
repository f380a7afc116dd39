package limit

import (
	"fmt"
	"testing"
	"time"
)

// All four kinds of limits, for many callers and connections. None refuses, and no burst is whole again soon.
func generous() Limits {
	return Limits{
		{Per: "caller", Requests: mostCount, Window: 60 * minute}, {Per: "caller", Concurrent: mostCount},
		{Per: "connection", Requests: mostCount, Window: 60 * minute}, {Per: "connection", Concurrent: mostCount},
	}
}

func TestAdmitAllocatesAtMostOnce(t *testing.T) {
	for _, tc := range []struct {
		name   string
		limits Limits
		want   float64
	}{
		{"rates", Limits{{Per: "caller", Requests: 1000, Window: minute}, {Per: "connection", Requests: 1000, Window: minute}}, 0},
		{"rates and concurrent requests", generous(), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClock() // stands still, so that nobody is forgotten
			l := newTestLimiter(t, c.now, MaxEntries, tc.limits...)
			l.Admit("a", "x")
			got := testing.AllocsPerRun(500, func() {
				release, _, ok := l.Admit("a", "x")
				if !ok {
					t.Fatal("refused")
				}
				release()
			})
			if got > tc.want {
				t.Errorf("%v allocations, want %v", got, tc.want)
			}
		})
	}
}

func BenchmarkAdmit(b *testing.B) {
	callers := make([]string, 1000)
	for i := range callers {
		callers[i] = fmt.Sprint("192.0.2.", i)
	}
	for _, bc := range []struct {
		name   string
		limits Limits
	}{
		{"none", nil},
		{"rate", generous()[:1]},
		{"all", generous()},
	} {
		l, err := New(bc.limits, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bc.name+"/alone", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				release, _, ok := l.Admit(callers[i%len(callers)], callers[i*7%len(callers)])
				if !ok {
					b.Fatal("refused")
				}
				release()
			}
		})
		b.Run(bc.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					release, _, ok := l.Admit(callers[i%len(callers)], callers[i*7%len(callers)])
					if !ok {
						b.Error("refused")
						return
					}
					release()
				}
			})
		})
	}
}

func BenchmarkAdmitWhenTheTableIsFull(b *testing.B) {
	l := newTestLimiter(b, time.Now, MaxEntries, Limit{Per: "caller", Requests: 1, Window: 60 * minute})
	for i := range MaxEntries {
		l.Admit(fmt.Sprint(i), "x")
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Admit("newcomer", "x")
	}
}
