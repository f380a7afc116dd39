package metrics

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// outcomeCounters count requests by provider and outcome. The counters that are in use are found
// again without a lock, since every request needs one. It is safe for concurrent use.
type outcomeCounters struct {
	*prometheus.CounterVec

	mu   sync.Mutex // held while used is replaced
	used atomic.Pointer[map[outcomeLabels]prometheus.Counter]
}

type outcomeLabels struct{ provider, outcome string }

func newOutcomeCounters(name, help string) *outcomeCounters {
	c := &outcomeCounters{CounterVec: counters(name, help, "provider", "outcome")}
	c.used.Store(&map[outcomeLabels]prometheus.Counter{})
	return c
}

// inc counts one request. label returns the label of a provider, and is asked for those that were not counted
// before; only names that are their own labels are kept, so that callers cannot make the map grow.
func (c *outcomeCounters) inc(provider, outcome string, label func(provider string) string) {
	named := outcomeLabels{provider, outcome}
	counter, ok := (*c.used.Load())[named]
	if !ok {
		known := outcomeLabels{label(provider), outcomes.label(outcome)}
		counter = c.WithLabelValues(known.provider, known.outcome)
		if known == named {
			c.keep(named, counter)
		}
	}
	counter.Inc()
}

func (c *outcomeCounters) keep(labels outcomeLabels, counter prometheus.Counter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := maps.Clone(*c.used.Load())
	more[labels] = counter
	c.used.Store(&more)
}
