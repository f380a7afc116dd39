package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// observed is a store of which only the state can be read.
type observed struct {
	providers []string
	rows      []tokenstore.Status // in the order of their ids
	health    tokenstore.Health
	err       error
	reads     int
}

func (o *observed) Provider(name string) (*tokenstore.Provider, bool) {
	return nil, slices.Contains(o.providers, name)
}

func (o *observed) Health() tokenstore.Health { return o.health }

func (o *observed) Census() map[string]map[tokenstore.State]int {
	census := make(map[string]map[tokenstore.State]int)
	for _, row := range o.rows {
		if census[row.ID.Provider] == nil {
			census[row.ID.Provider] = make(map[tokenstore.State]int)
		}
		census[row.ID.Provider][row.State]++
	}
	return census
}

func (o *observed) List(_ context.Context, _, after string, limit int) ([]tokenstore.Status, string, error) {
	o.reads++
	if o.err != nil && !errors.Is(o.err, storage.ErrDamaged) {
		return nil, "", o.err
	}
	i := 0
	for after != "" && i < len(o.rows) && o.rows[i].ID.String() <= after {
		i++
	}
	page := o.rows[i:]
	if len(page) < limit {
		return page, "", o.err
	}
	// Like the store itself, this does not look whether there are more.
	return page[:limit], page[limit-1].ID.String(), o.err
}

// scrape returns the samples of the token store as Prometheus would get them.
func scrape(t *testing.T, m *Metrics) []string {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := m.Register(reg); err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("scrape failed: %s", rec.Body)
	}
	problems, err := promlint.New(bytes.NewReader(rec.Body.Bytes())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("promlint: %s: %s", p.Metric, p.Text)
	}
	var samples []string
	for line := range strings.Lines(rec.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			samples = append(samples, strings.TrimPrefix(strings.TrimSpace(line), "caddy_token_store_"))
		}
	}
	return samples
}

func testMetrics(limit int, o *observed) *Metrics {
	m := New(limit)
	m.store.use(o)
	return m
}

func connID(s string) tokenstore.ID {
	provider, name, _ := strings.Cut(s, "/")
	return tokenstore.ID{Provider: provider, Name: name}
}

func TestMetricsOfEvents(t *testing.T) {
	failed := errors.New("failed")
	tests := []struct {
		name string
		feed func(m *Metrics)
		want []string
	}{
		{"a refresh that went well counts as ok and is timed",
			func(m *Metrics) {
				m.Refreshed(tokenstore.RefreshEvent{ID: connID("dropbox/a"), Duration: time.Second})
			},
			[]string{
				`refreshes_total{provider="dropbox",reason="",result="ok"} 1`,
				`refresh_duration_seconds_count{provider="dropbox"} 1`,
				`refresh_duration_seconds_sum{provider="dropbox"} 1`,
			}},
		{"a dead grant counts under its class and reason",
			func(m *Metrics) {
				m.Refreshed(tokenstore.RefreshEvent{ID: connID("dropbox/a"), Err: failed, Class: oauth.Dead, Reason: "invalid_grant"})
			},
			[]string{`refreshes_total{provider="dropbox",reason="invalid_grant",result="dead"} 1`}},
		{"a refresh that was not sent for want of storage counts as not_sent",
			func(m *Metrics) {
				m.Refreshed(tokenstore.RefreshEvent{ID: connID("dropbox/a"), Err: failed, Reason: "storage"})
			},
			[]string{`refreshes_total{provider="dropbox",reason="storage",result="not_sent"} 1`}},
		{"an error code that a server made up is no label",
			func(m *Metrics) {
				m.Refreshed(tokenstore.RefreshEvent{ID: connID("dropbox/a"), Err: failed, Class: oauth.Transient, Reason: "x_made_up"})
			},
			[]string{`refreshes_total{provider="dropbox",reason="_other",result="transient"} 1`}},
		{"a provider that is not configured is no label",
			func(m *Metrics) { m.HandedOut("stranger", "ok") },
			[]string{`tokens_handed_out_total{outcome="ok",provider="_other"} 1`}},
		{"forwarded requests count by outcome",
			func(m *Metrics) { m.Forwarded("dropbox", "refused_host"); m.Forwarded("dropbox", "refused_host") },
			[]string{`requests_forwarded_total{outcome="refused_host",provider="dropbox"} 2`}},
		{"retries count by outcome",
			func(m *Metrics) { m.Retried("dropbox", "not_replayable") },
			[]string{`unauthorized_retries_total{outcome="not_replayable",provider="dropbox"} 1`}},
		{"a connection that needs consent counts by reason",
			func(m *Metrics) {
				m.ConsentNeeded(tokenstore.ConsentEvent{ID: connID("dropbox/a"), Reason: tokenstore.ReasonRevoked})
			},
			[]string{`consents_needed_total{provider="dropbox",reason="revoked"} 1`}},
		{"a pause is 1",
			func(m *Metrics) {
				m.ProviderPaused(tokenstore.PauseEvent{Provider: "dropbox", Until: time.Unix(1, 0)})
			},
			[]string{`provider_paused{provider="dropbox"} 1`}},
		{"a pause that ended is 0",
			func(m *Metrics) {
				m.ProviderPaused(tokenstore.PauseEvent{Provider: "dropbox", Until: time.Unix(1, 0)})
				m.ProviderPaused(tokenstore.PauseEvent{Provider: "dropbox"})
			},
			[]string{`provider_paused{provider="dropbox"} 0`}},
		{"lateness falls into its bucket",
			func(m *Metrics) { m.Late("dropbox", 3*time.Second) },
			[]string{
				`schedule_lateness_seconds_bucket{le="1"} 0`,
				`schedule_lateness_seconds_bucket{le="5"} 1`,
			}},
		{"a commit counts and is timed",
			func(m *Metrics) { m.Committed(bolt.CommitInfo{Duration: 2 * time.Millisecond}) },
			[]string{
				`storage_commits_total{result="ok"} 1`,
				`storage_commit_duration_seconds_sum 0.002`,
			}},
		{"a commit that failed counts as error",
			func(m *Metrics) { m.Committed(bolt.CommitInfo{Err: failed}) },
			[]string{`storage_commits_total{result="error"} 1`}},
		{"trouble counts, whatever it is",
			func(m *Metrics) { m.Trouble("read", failed) },
			[]string{`background_errors_total 1`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := testMetrics(10, &observed{providers: []string{"dropbox"}})
			tt.feed(m)
			got := scrape(t, m)
			for _, want := range tt.want {
				if !slices.Contains(got, want) {
					t.Errorf("no sample %s in\n%s", want, strings.Join(got, "\n"))
				}
			}
		})
	}
}

func TestMetricsOfStore(t *testing.T) {
	o := &observed{
		providers: []string{"dropbox", "github"},
		rows: []tokenstore.Status{
			{ID: connID("dropbox/a"), State: tokenstore.StateReady, ExpiresAt: time.UnixMilli(1_700_000_000_500)},
			{ID: connID("dropbox/b"), State: tokenstore.StateNeedsConsent},
			{ID: connID("gone/a"), State: tokenstore.StateReady},
			{ID: connID("vanished/a"), State: tokenstore.StateReady},
		},
		health: tokenstore.Health{Unsaved: 2},
	}
	got := scrape(t, testMetrics(10, o))
	for _, want := range []string{
		`unsaved_tokens 2`,
		`connections{provider="dropbox",state="ready"} 1`,
		`connections{provider="dropbox",state="needs_consent"} 1`,
		`connections{provider="_other",state="ready"} 2`,
		`connection_state{connection="a",provider="dropbox",state="ready"} 1`,
		`connection_state{connection="b",provider="dropbox",state="needs_consent"} 1`,
		`connection_token_expiry_timestamp_seconds{connection="a",provider="dropbox"} 1.7000000005e+09`,
		`connection_series_omitted 0`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no sample %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if all := strings.Join(got, "\n"); strings.Contains(all, "gone") || strings.Contains(all, "vanished") {
		t.Errorf("a provider without configuration became a label:\n%s", all)
	}
}

func TestMetricsBeforeThereIsAStore(t *testing.T) {
	if got := scrape(t, New(10)); !slices.Contains(got, "background_errors_total 0") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestMetricsForgetThePauseOfARemovedProvider(t *testing.T) {
	o := &observed{providers: []string{"dropbox"}}
	m := testMetrics(10, o)
	m.ProviderPaused(tokenstore.PauseEvent{Provider: "dropbox", Until: time.Unix(1, 0)})
	o.providers = nil
	if got := strings.Join(scrape(t, m), "\n"); strings.Contains(got, "provider_paused") {
		t.Errorf("got\n%s", got)
	}
}

func TestMetricsSurviveAReload(t *testing.T) {
	m := testMetrics(10, &observed{providers: []string{"dropbox"}})
	m.HandedOut("dropbox", "ok")
	scrape(t, m)
	m.HandedOut("dropbox", "ok")
	want := `tokens_handed_out_total{outcome="ok",provider="dropbox"} 2`
	if got := scrape(t, m); !slices.Contains(got, want) {
		t.Errorf("no sample %s in\n%s", want, strings.Join(got, "\n"))
	}
}

func TestMetricsRegister(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := New(10)
	if err := m.Register(reg); err != nil {
		t.Fatal(err)
	}
	if err := m.Register(reg); err != nil {
		t.Errorf("registering twice: %v", err)
	}
	if err := New(10).Register(reg); err == nil {
		t.Error("the collectors of two stores were registered together, and one of them would be silent")
	}
}

func TestConnectionSeriesAreLimited(t *testing.T) {
	rows := make([]tokenstore.Status, 1000)
	for i := range rows {
		rows[i] = tokenstore.Status{ID: connID(fmt.Sprintf("dropbox/%04d", i)), State: tokenstore.StateReady}
	}
	tests := []struct {
		name          string
		rows, limit   int
		series        int
		omitted       string
		leastOfCensus string
	}{
		{"fewer connections than the limit have all their series", 249, 250, 249, "0", "249"},
		{"as many connections as the limit have all their series", 250, 250, 250, "0", "250"},
		{"as many connections as the limit and a page have all their series", 400, 400, 400, "0", "400"},
		{"beyond the limit only the first have series", 251, 250, 250, "1", "251"},
		{"far beyond the limit only the first have series", 1000, 250, 250, "1", "1000"},
		{"a limit that is a page's end still notices the rest", 1000, 200, 200, "1", "1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := scrape(t, testMetrics(tt.limit, &observed{providers: []string{"dropbox"}, rows: rows[:tt.rows]}))
			series := 0
			for _, sample := range got {
				if strings.HasPrefix(sample, "connection_state{") {
					series++
				}
			}
			if series != tt.series {
				t.Errorf("%d series, want %d", series, tt.series)
			}
			for _, want := range []string{
				"connection_series_omitted " + tt.omitted,
				`connections{provider="dropbox",state="ready"} ` + tt.leastOfCensus,
			} {
				if !slices.Contains(got, want) {
					t.Errorf("no sample %s", want)
				}
			}
		})
	}
	t.Run("a limit of zero switches them off", func(t *testing.T) {
		o := &observed{providers: []string{"dropbox"}, rows: rows}
		got := strings.Join(scrape(t, testMetrics(0, o)), "\n")
		if strings.Contains(got, "connection_") || o.reads != 0 {
			t.Errorf("%d reads, got\n%s", o.reads, got)
		}
	})
}

func TestConnectionsAreReadAgain(t *testing.T) {
	ok := &observed{providers: []string{"dropbox"}, rows: []tokenstore.Status{{ID: connID("dropbox/a"), State: tokenstore.StateReady}}}
	broken := &observed{providers: ok.providers, err: errors.New("broken")}
	m := testMetrics(10, ok)
	now := time.Unix(0, 0)
	m.store.connections.now = func() time.Time { return now }

	steps := []struct {
		name  string
		after time.Duration
		store *observed
		reads int
		shown bool
	}{
		{"the first scrape reads", 0, ok, 1, true},
		{"a scrape soon after does not", 4 * time.Second, ok, 1, true},
		{"a scrape later reads again", 2 * time.Second, ok, 2, true},
		{"a read that fails leaves the last answer", 30 * time.Second, broken, 1, true},
		{"a read that failed is not tried at once again", time.Second, broken, 1, true},
		{"an old answer is not told any more", 40 * time.Second, broken, 2, false},
		{"a clock that was set back reads again", -time.Hour, ok, 3, true},
	}
	for _, step := range steps {
		now = now.Add(step.after)
		m.store.use(step.store)
		got := strings.Join(scrape(t, m), "\n")
		if shown := strings.Contains(got, "connection_state{"); shown != step.shown || step.store.reads != step.reads {
			t.Errorf("%s: shown %t, %d reads; want %t, %d", step.name, shown, step.store.reads, step.shown, step.reads)
		}
	}
	if got := scrape(t, m); !slices.Contains(got, "background_errors_total 2") {
		t.Error("failed reads are not counted")
	}
}

func TestConnectionsThatCanBeReadAreShownThoughOthersCannot(t *testing.T) {
	o := &observed{providers: []string{"dropbox"}, err: fmt.Errorf("a page: %w", storage.ErrDamaged)}
	for i := range 3 * connectionPage {
		o.rows = append(o.rows, tokenstore.Status{ID: connID(fmt.Sprintf("dropbox/%04d", i)), State: tokenstore.StateReady})
	}
	got := scrape(t, testMetrics(10*connectionPage, o))
	shown := strings.Count(strings.Join(got, "\n"), "connection_state{")
	if shown != len(o.rows) || !slices.Contains(got, "connection_series_omitted 0") {
		t.Errorf("%d of %d are shown, in %d reads", shown, len(o.rows), o.reads)
	}
	if got := scrape(t, testMetrics(10, o)); !slices.Contains(got, "connection_series_omitted 1") {
		t.Errorf("of 10 series: %s", got)
	}
	m := testMetrics(10, o)
	m.store.connections.now = func() time.Time { return time.Unix(0, 0) }
	_ = scrape(t, m)
	if got := scrape(t, m); !slices.Contains(got, "background_errors_total 1") {
		t.Error("that others cannot be read is not counted once for each reading")
	}
}

func TestHostileValuesMakeNoSeries(t *testing.T) {
	o := &observed{providers: []string{"dropbox"}}
	m := testMetrics(10, o)
	feed := func(i int) {
		s := fmt.Sprintf("hostile%d", i)
		err := errors.New(s)
		for _, provider := range []string{"dropbox", s} {
			id := tokenstore.ID{Provider: provider, Name: s}
			m.Refreshed(tokenstore.RefreshEvent{ID: id, Err: err, Class: oauth.Class(i % 7), Reason: s})
			m.ConsentNeeded(tokenstore.ConsentEvent{ID: id, Reason: tokenstore.Reason(s)})
			m.ProviderPaused(tokenstore.PauseEvent{Provider: provider, Until: time.Unix(1, 0), Reason: s})
			m.Late(provider, time.Duration(i))
			m.HandedOut(provider, s)
			m.Forwarded(provider, s)
			m.Retried(provider, s)
		}
		m.Trouble(s, err)
	}
	for i := range 100 {
		feed(i)
	}
	before := len(scrape(t, m))
	for i := range 100_000 {
		feed(i)
	}
	if after := len(scrape(t, m)); after != before || after > 200 {
		t.Errorf("%d samples, then %d", before, after)
	}
}
