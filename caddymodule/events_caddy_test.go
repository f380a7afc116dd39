package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
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
	s, server := serverWithEvents(t, `{"subscriptions":[{"events":["token_refreshed","consent_needed"],"modules":["token_store"],"handlers":[{"handler":"token_store_recorder"}]}]}`)
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Refresh(t.Context(), testcaddy.ID("robot/x")); err != nil {
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
	if err := store.Import(t.Context(), testcaddy.ID("acme/a"), tokenstore.Import{RefreshToken: grant.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Refresh(t.Context(), testcaddy.ID("acme/a")); !errors.Is(err, tokenstore.ErrConsentNeeded) {
		t.Fatalf("a refresh with a revoked grant: %v", err)
	}
	e = nextEvent(t)
	page := s.App().ConnectURL(nil, testcaddy.ID("acme/a"))
	if e.Name() != "consent_needed" || e.Data["reason"] != "revoked" || page == "" || e.Data["connect_url"] != page {
		t.Errorf("got %s %v, want connect_url %s", e.Name(), e.Data, page)
	}
}

func nextEvent(t *testing.T) caddy.Event {
	t.Helper()
	select {
	case e := <-recorded:
		return e
	case <-time.After(time.Minute):
		t.Fatal("no event came")
		return caddy.Event{}
	}
}

// serverWithEvents runs a Caddy with the providers acme and robot, a consent page, and the
// configuration of an events app.
func serverWithEvents(t *testing.T, events string) (*testcaddy.Server, *standin.Server) {
	t.Helper()
	s, server, providers, site := testcaddy.NewAcme(t)
	var config caddy.Config
	if err := json.Unmarshal(s.Adapt(providers, site), &config); err != nil {
		t.Fatal(err)
	}
	config.AppsRaw["events"] = json.RawMessage(events)
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(raw, true); err != nil {
		t.Fatal(err)
	}
	return s, server
}
