package metrics

import (
	"slices"
	"sync"
	"testing"
)

func TestOutcomesThatComeAtTheSameTimeAreAllCounted(t *testing.T) {
	m := testMetrics(0, &observed{providers: []string{"a", "b"}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				m.Forwarded("a", OutcomeOK)
				m.Forwarded("b", OutcomeOK)
			}
		})
	}
	wg.Wait()
	samples := scrape(t, m)
	for _, provider := range []string{"a", "b"} {
		if want := `requests_forwarded_total{outcome="ok",provider="` + provider + `"} 800`; !slices.Contains(samples, want) {
			t.Errorf("%s is missing in %q", want, samples)
		}
	}
}

// Somebody who makes names up must find no memory that grows with them, and a provider that is configured
// later must get its own label then.
func TestCountersAreKeptForKnownNamesOnly(t *testing.T) {
	o := new(observed)
	m := testMetrics(0, o)
	m.Forwarded("later", OutcomeOK)
	m.Forwarded("later", "made up")
	if kept := len(*m.forwards.used.Load()); kept != 0 {
		t.Errorf("%d counters are kept", kept)
	}
	o.providers = []string{"later"}
	m.Forwarded("later", OutcomeOK)
	if want := `requests_forwarded_total{outcome="ok",provider="later"} 1`; !slices.Contains(scrape(t, m), want) {
		t.Errorf("%s is missing", want)
	}
}
