package metrics

import (
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// DefaultConnectionSeries is up to how many connections have series of their own
// unless the configuration says otherwise.
const DefaultConnectionSeries = 1000

// Metrics are the collectors of one store. They are made once per store and
// registered again with the registry of each configuration, so that counters
// go on counting over a reload. All methods are safe for concurrent use.
//
// Every label is a name that an operator wrote into the configuration or a
// word of a fixed list (see labels.go). The one exception are the series of single
// connections, whose number is limited.
type Metrics struct {
	tokenstore.NopObserver

	refreshes       *prometheus.CounterVec
	refreshDuration *prometheus.HistogramVec
	handed          *outcomeCounters
	forwards        *outcomeCounters
	retries         *prometheus.CounterVec
	echoes          *prometheus.CounterVec
	consents        *prometheus.CounterVec
	lateness        prometheus.Histogram
	commits         *prometheus.CounterVec
	commitDuration  prometheus.Histogram
	troubles        prometheus.Counter

	store *storeCollector // what is read at each scrape

	mu     sync.Mutex
	paused map[string]bool // guarded by mu; by configured provider
}

// New makes the collectors. At most limit connections get series of their own; none
// does if limit is not positive.
func New(limit int) *Metrics {
	m := &Metrics{
		refreshes: counters("refreshes_total",
			"Attempts to get a new token from an authorization server.", "provider", "result", "reason"),
		refreshDuration: prometheus.NewHistogramVec(histogram("refresh_duration_seconds",
			"Time that conversations with an authorization server took.",
			.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30), []string{"provider"}),
		handed: newOutcomeCounters("tokens_handed_out_total",
			"Requests to token endpoints by their outcome."),
		forwards: newOutcomeCounters("requests_forwarded_total",
			"Requests to token proxies by their outcome."),
		retries: counters("unauthorized_retries_total",
			"Forwarded requests that the API answered with 401, by what came of the retry.", "provider", "outcome"),
		echoes: counters("echoes_removed_total",
			"Forwarded answers out of which the token was taken, by the place where it stood.", "provider", "place"),
		consents: counters("consents_needed_total",
			"Connections that came to need a person's consent.", "provider", "reason"),
		lateness: prometheus.NewHistogram(histogram("schedule_lateness_seconds",
			"Time from when a scheduled refresh was due until it began.",
			.1, .5, 1, 5, 15, 60, 300, 900, 3600)),
		commits: counters("storage_commits_total",
			"Transactions of the storage.", "result"),
		commitDuration: prometheus.NewHistogram(histogram("storage_commit_duration_seconds",
			"Time until a transaction of the storage was durable or had failed.",
			.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5)),
		troubles: prometheus.NewCounter(prometheus.CounterOpts(opts("background_errors_total",
			"Background work of the store that failed, such as reading a damaged record; the log has details."))),
		paused: make(map[string]bool),
	}
	m.store = newStoreCollector(limit, m.troubles.Inc)
	return m
}

// UseStore makes s the store that is asked for its state at each scrape.
func (m *Metrics) UseStore(s *tokenstore.Store) { m.store.use(s) }

// Register registers the collectors with the registry of a configuration. It
// is no error if they are registered already.
func (m *Metrics) Register(reg *prometheus.Registry) error {
	err := reg.Register(m)
	if registered, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok && registered.ExistingCollector == m {
		return nil
	}
	if err != nil {
		return fmt.Errorf("registering the token store's metrics: %w", err)
	}
	return nil
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(ch)
	}
	ch <- pausedDesc
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(ch)
	}
	m.collectPaused(ch)
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.refreshes, m.refreshDuration, m.handed, m.forwards, m.retries, m.echoes, m.consents,
		m.lateness, m.commits, m.commitDuration, m.troubles, m.store,
	}
}

// collectPaused leaves out providers that a reload took away: nobody would
// ever tell that they are no longer paused.
func (m *Metrics) collectPaused(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for provider, paused := range m.paused {
		if m.store.configured(provider) {
			ch <- prometheus.MustNewConstMetric(pausedDesc, prometheus.GaugeValue, oneIf(paused), provider)
		}
	}
}

var pausedDesc = desc("provider_paused",
	"Whether the provider's authorization server is not called for now (1) or is (0); absent if it never was paused.", "provider")

// opts names a metric as Caddy names its own: caddy, the subsystem, the name.
func opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "caddy", Subsystem: "token_store", Name: name, Help: help}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("caddy", "token_store", name), help, labels, nil)
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
}

func histogram(name, help string, buckets ...float64) prometheus.HistogramOpts {
	o := opts(name, help)
	return prometheus.HistogramOpts{
		Namespace: o.Namespace, Subsystem: o.Subsystem, Name: o.Name, Help: o.Help, Buckets: buckets,
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var (
	_ prometheus.Collector = (*Metrics)(nil)
	_ tokenstore.Observer  = (*Metrics)(nil)
)
