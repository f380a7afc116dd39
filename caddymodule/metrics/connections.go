package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// How single connections are read for a scrape.
const (
	connectionPage    = 200             // connections in one read of the storage
	connectionTimeout = 2 * time.Second // a scrape waits for them no longer than that
	connectionFresh   = 5 * time.Second // scrapes that follow closely share one read
	connectionStale   = time.Minute     // what is older is not told any more
)

// connectionCollector tells about single connections: the first ones in the order of
// their ids, up to a limit. Beyond it connections are only counted, because
// a series for each of a million connections would fell the Prometheus server
// that was to watch over them.
type connectionCollector struct {
	limit   int
	trouble func()
	now     func() time.Time

	mu      sync.Mutex // held while reading, so that scrapes at the same time share one read
	tried   time.Time
	read    time.Time
	rows    []tokenstore.Status
	omitted bool
}

var (
	expiryDesc = desc("connection_token_expiry_timestamp_seconds",
		"Unix time at which the connection's access token expires; absent if nobody knows.", "provider", "connection")
	stateDesc = desc("connection_state",
		"1 for the state that the connection is in; its other states are absent.", "provider", "connection", "state")
	omittedDesc = desc("connection_series_omitted",
		"Whether there are more connections than may have series of their own (1) or not (0).")
)

func newConnectionCollector(limit int, trouble func()) *connectionCollector {
	return &connectionCollector{limit: limit, trouble: trouble, now: time.Now}
}

// Describe implements the half of [prometheus.Collector] that needs no store.
func (c *connectionCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- expiryDesc
	ch <- stateDesc
	ch <- omittedDesc
}

// collect leaves out connections whose provider is not configured: their providers' names are
// no labels, and under a common one two connections could become one series.
func (c *connectionCollector) collect(ch chan<- prometheus.Metric, s observedStore) {
	if c.limit <= 0 {
		return
	}
	rows, omitted := c.connections(s)
	ch <- prometheus.MustNewConstMetric(omittedDesc, prometheus.GaugeValue, oneIf(omitted))
	for _, row := range rows {
		id := row.ID
		if _, ok := s.Provider(id.Provider); !ok || id.Validate() != nil {
			continue
		}
		ch <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1, id.Provider, id.Name, stateLabel(row))
		if !row.ExpiresAt.IsZero() {
			expiry := float64(row.ExpiresAt.UnixMilli()) / 1000
			ch <- prometheus.MustNewConstMetric(expiryDesc, prometheus.GaugeValue, expiry, id.Provider, id.Name)
		}
	}
}

// connections returns what was read a moment ago, or reads it again. While the store cannot be read, the last
// answer stands for a minute, so that one slow read makes no gap.
func (c *connectionCollector) connections(s observedStore) (rows []tokenstore.Status, omitted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if age := now.Sub(c.tried); age < 0 || age >= connectionFresh {
		c.tried = now
		rows, omitted, err := c.list(s)
		if err != nil {
			c.trouble()
		}
		if err == nil || errors.Is(err, storage.ErrDamaged) {
			c.read, c.rows, c.omitted = now, rows, omitted
		}
	}
	if now.Sub(c.read) > connectionStale {
		c.rows, c.omitted = nil, false
	}
	return c.rows, c.omitted
}

// list reads up to limit connections, page by page, and one more to know whether there is. With an error that wraps
// storage.ErrDamaged it returns those that can be read.
func (c *connectionCollector) list(s observedStore) (rows []tokenstore.Status, omitted bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), connectionTimeout)
	defer cancel()
	var damage error
	for after := ""; ; {
		page, next, err := s.List(ctx, "", after, min(connectionPage, c.limit+1-len(rows)))
		switch {
		case errors.Is(err, storage.ErrDamaged):
			damage = err
		case err != nil:
			return nil, false, err
		}
		rows = append(rows, page...)
		if len(rows) > c.limit {
			return rows[:c.limit], true, damage
		}
		if next == "" {
			return rows, false, damage
		}
		after = next
	}
}
