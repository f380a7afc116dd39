package caddymodule

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

func init() { caddy.RegisterModule(eventRecorder{}) }

// eventRecorder is a handler of events that a test listens to.
type eventRecorder struct{}

var (
	recorderMu sync.Mutex
	recorded   chan caddy.Event // guarded by recorderMu
)

func (eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.token_store_recorder", New: func() caddy.Module { return new(eventRecorder) }}
}

func (eventRecorder) Handle(_ context.Context, e caddy.Event) error {
	recorderMu.Lock()
	defer recorderMu.Unlock()
	recorded <- e
	return nil
}

var _ caddyevents.Handler = eventRecorder{}

func TestCaddyEmitsTheEvents(t *testing.T) {
	recorderMu.Lock()
	recorded = make(chan caddy.Event, 10)
	recorderMu.Unlock()
	s, server := adminServerWith(t, `{"subscriptions":[{"events":["token_refreshed","consent_needed"],"modules":["token_store"],"handlers":[{"handler":"token_store_recorder"}]}]}`)
	store, err := s.app().Store()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Refresh(t.Context(), connID("robot/x")); err != nil {
		t.Fatal(err)
	}
	e := nextEvent(t)
	if e.Name() != "token_refreshed" || e.Data["connection"] != "robot/x" || e.Data["generation"] != uint64(1) {
		t.Errorf("got %s %v", e.Name(), e.Data)
	}

	grant, err := server.IssueGrant("demo")
	if err != nil {
		t.Fatal(err)
	}
	server.RevokeFamily(grant.Family)
	body := `{"access_token":"a","refresh_token":"` + grant.RefreshToken + `","expires_in":3600}`
	adminCall(t, adminRequest("PUT", "/connections/acme/a", body))
	adminCall(t, adminRequest("POST", "/connections/acme/a/refresh", ""))
	e = nextEvent(t)
	page := s.app().connectURL(nil, connID("acme/a"))
	if e.Name() != "consent_needed" || e.Data["reason"] != "revoked" || page == "" || e.Data["connect_url"] != page {
		t.Errorf("got %s %v, want connect_url %s", e.Name(), e.Data, page)
	}
}

func nextEvent(t *testing.T) caddy.Event {
	t.Helper()
	select {
	case e := <-recorded:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event came")
		return caddy.Event{}
	}
}
