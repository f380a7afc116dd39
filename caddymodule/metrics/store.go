package metrics

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// observedStore is what the collectors read from a store.
type observedStore interface {
	List(ctx context.Context, provider, after string, limit int) (list []tokenstore.Status, next string, err error)
	Provider(name string) (*tokenstore.Provider, bool)
	Census() map[string]map[tokenstore.State]int
	Health() tokenstore.Health
}

// storeCollector reads the state of the store at each scrape, so that a gauge
// can never be left behind by an event that came late or not at all.
type storeCollector struct {
	connections *connectionCollector

	mu    sync.RWMutex
	store observedStore // guarded by mu; nil until there is one
}

var (
	connectionsDesc = desc("connections", "Connections by state.", "provider", "state")
	unsavedDesc     = desc("unsaved_tokens",
		"Tokens that are kept in memory only because the storage does not take them. It must be 0.")
)

// newStoreCollector makes a collector for a store that is told later. trouble is called when the
// store cannot be read.
func newStoreCollector(limit int, trouble func()) *storeCollector {
	return &storeCollector{connections: newConnectionCollector(limit, trouble)}
}

func (c *storeCollector) use(s observedStore) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store = s
}

func (c *storeCollector) current() observedStore {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store
}

// configured reports whether the configuration in force has the provider.
func (c *storeCollector) configured(provider string) bool {
	s := c.current()
	if s == nil {
		return false
	}
	_, ok := s.Provider(provider)
	return ok
}

// label returns the label of a provider. What is not in the configuration gets no label of its own: the
// id of a connection may be made of what a caller sent.
func (c *storeCollector) label(provider string) string {
	if c.configured(provider) {
		return provider
	}
	return otherLabel
}

// Describe implements [prometheus.Collector].
func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- connectionsDesc
	ch <- unsavedDesc
	c.connections.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.current()
	if s == nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(unsavedDesc, prometheus.GaugeValue, float64(s.Health().Unsaved))
	for key, n := range c.census(s) {
		ch <- prometheus.MustNewConstMetric(connectionsDesc, prometheus.GaugeValue, float64(n), key.provider, key.state)
	}
	c.connections.collect(ch, s)
}

type censusKey struct{ provider, state string }

// census counts under the labels, since several providers without a
// configuration share one.
func (c *storeCollector) census(s observedStore) map[censusKey]int {
	counts := make(map[censusKey]int)
	for provider, byState := range s.Census() {
		for state, n := range byState {
			counts[censusKey{c.label(provider), states.label(string(state))}] += n
		}
	}
	return counts
}
