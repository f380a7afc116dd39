package metrics

import (
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Refreshed counts an attempt by what came of it.
func (m *Metrics) Refreshed(e tokenstore.RefreshEvent) {
	provider := m.store.label(e.ID.Provider)
	result, reason := refreshLabels(e)
	m.refreshes.WithLabelValues(provider, result, reason).Inc()
	if result != resultNotSent {
		m.refreshDuration.WithLabelValues(provider).Observe(e.Duration.Seconds())
	}
}

// ConsentNeeded counts a connection that came to need consent.
func (m *Metrics) ConsentNeeded(e tokenstore.ConsentEvent) {
	m.consents.WithLabelValues(m.store.label(e.ID.Provider), consentReasons.label(string(e.Reason))).Inc()
}

// ProviderPaused remembers whether the provider is paused.
func (m *Metrics) ProviderPaused(e tokenstore.PauseEvent) {
	if !m.store.configured(e.Provider) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused[e.Provider] = !e.Until.IsZero()
}

// Late observes how late the schedule is.
func (m *Metrics) Late(_ string, late time.Duration) { m.lateness.Observe(late.Seconds()) }

// Trouble counts what went wrong in the background. The operation is no label: the log tells it.
func (m *Metrics) Trouble(string, error) { m.troubles.Inc() }

// HandedOut counts an answer of a token endpoint. outcome is a fixed word: "ok" or the problem's code.
func (m *Metrics) HandedOut(provider, outcome string) {
	m.handed.inc(provider, outcome, m.store.label)
}

// Forwarded counts a forwarded request: "ok", "passed" (on_error pass), "refused_host" or the problem's code.
func (m *Metrics) Forwarded(provider, outcome string) {
	m.forwards.inc(provider, outcome, m.store.label)
}

// Retried counts a retry after a 401: "ok", "still_401", "not_replayable", "refresh_failed".
func (m *Metrics) Retried(provider, outcome string) {
	m.retries.WithLabelValues(m.store.label(provider), retryOutcomes.label(outcome)).Inc()
}

// EchoRemoved counts an answer out of which the token was taken: EchoInBody, EchoInTrailer.
func (m *Metrics) EchoRemoved(provider, place string) {
	m.echoes.WithLabelValues(m.store.label(provider), echoPlaces.label(place)).Inc()
}

// Committed counts and times a transaction of the storage.
func (m *Metrics) Committed(c bolt.CommitInfo) {
	result := "ok"
	if c.Err != nil {
		result = "error"
	}
	m.commits.WithLabelValues(result).Inc()
	m.commitDuration.Observe(c.Duration.Seconds())
}
