package caddymodule

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

type emitted struct {
	Name string
	Data map[string]any
}

func consentPage(id tokenstore.ID) string { return "https://example.com/connect/" + id.String() }

func TestEventsTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []emitted
		emit := func(name string, data map[string]any) { got = append(got, emitted{name, data}) }
		o := startEventObserver(emit, consentPage, zap.NewNop())
		expires := time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
		id := testcaddy.ID("dropbox/a")

		o.Refreshed(tokenstore.RefreshEvent{ID: id, Generation: 7, ExpiresAt: expires})
		o.Refreshed(tokenstore.RefreshEvent{ID: id, Generation: 7, Err: errors.New("text"), Reason: "timeout"})
		o.ConsentNeeded(tokenstore.ConsentEvent{ID: id, Reason: tokenstore.ReasonRevoked})
		synctest.Wait()
		if got != nil {
			t.Errorf("emitted before all apps had started: %v", got)
		}
		if err := o.Handle(t.Context(), caddy.Event{}); err != nil {
			t.Fatal(err)
		}
		o.close()

		want := []emitted{
			{"token_refreshed", map[string]any{"provider": "dropbox", "connection": "dropbox/a", "generation": uint64(7), "expires_at": "2030-01-02T02:04:05Z"}},
			{"token_refresh_failed", map[string]any{"provider": "dropbox", "connection": "dropbox/a", "generation": uint64(7), "reason": "timeout"}},
			{"consent_needed", map[string]any{"provider": "dropbox", "connection": "dropbox/a", "reason": "revoked", "connect_url": "https://example.com/connect/dropbox/a"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSlowHandlersOfEventsHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		count := 0
		emit := func(string, map[string]any) {
			<-release
			count++
		}
		core, logs := observer.New(zap.WarnLevel)
		o := startEventObserver(emit, consentPage, zap.New(core))
		_ = o.Handle(t.Context(), caddy.Event{})

		begin := time.Now()
		id := testcaddy.ID("dropbox/a")
		o.Refreshed(tokenstore.RefreshEvent{ID: id})
		synctest.Wait() // the goroutine now holds this one, and the queue is empty
		for range eventQueue + 10 {
			o.Refreshed(tokenstore.RefreshEvent{ID: id})
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("the store waited %s", waited)
		}
		close(release)
		o.close()
		if want := 1 + eventQueue; count != want {
			t.Errorf("%d events were emitted, want %d", count, want)
		}
		if n := logs.FilterField(zap.Int64("dropped", 10)).Len(); n != 1 {
			t.Errorf("the 10 dropped events were logged %d times, want once", n)
		}
	})
}

func TestCloseOfEventsIsBounded(t *testing.T) {
	tests := []struct {
		name    string
		started bool
		takes   time.Duration // each event, in its handler
		events  int
		within  time.Duration
	}{
		{"when the apps never started", false, 0, 3, 0},
		{"when nothing waits", true, 0, 0, 0},
		{"when a handler hangs", true, time.Hour, 1, eventGrace},
		{"when many events wait for slow handlers", true, time.Second, eventQueue, eventGrace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				emit := func(string, map[string]any) { time.Sleep(tt.takes) }
				o := startEventObserver(emit, consentPage, zap.NewNop())
				if tt.started {
					_ = o.Handle(t.Context(), caddy.Event{})
				}
				for range tt.events {
					o.Refreshed(tokenstore.RefreshEvent{ID: testcaddy.ID("dropbox/a")})
				}
				synctest.Wait()
				begin := time.Now()
				o.close()
				if took := time.Since(begin); took > tt.within {
					t.Errorf("close took %s", took)
				}
				o.Refreshed(tokenstore.RefreshEvent{ID: testcaddy.ID("dropbox/late")})
				o.close()
				<-o.done
			})
		})
	}
}

func TestAPanicOfAHandlerIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		emit := func(string, map[string]any) {
			calls++
			panic("a handler's mistake")
		}
		o := startEventObserver(emit, consentPage, zap.NewNop())
		_ = o.Handle(t.Context(), caddy.Event{})
		o.Refreshed(tokenstore.RefreshEvent{ID: testcaddy.ID("dropbox/a")})
		o.Refreshed(tokenstore.RefreshEvent{ID: testcaddy.ID("dropbox/a")})
		o.close()
		if calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
	})
}
