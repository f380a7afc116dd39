package tokenapp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
)

// What each directive says when it finds no app that it can use.
func TestFromTellsAMissingAppFromAWrongOne(t *testing.T) {
	const missing = "there is no token_store"
	for _, directive := range []string{"token_connect", "token_endpoint a/b", "token_guard a/b", "token_proxy a/b {\nto localhost:9\n}"} {
		t.Run(directive, func(t *testing.T) {
			s := testcaddy.New(t)
			site := "http://localhost:8080 {\n" + directive + "\n}\n"
			raw, err := testcaddy.Adapt("{\nadmin off\n}\n" + site)
			if err != nil {
				t.Fatal(err)
			}
			err = caddy.Load(raw, true)
			testcaddy.WantError(t, err, missing, "global options")

			err = s.Load("provider a dropbox {\nclient_id {env.TOKENAPP_TEST_UNSET}\n}", site)
			testcaddy.WantError(t, err, "TOKENAPP_TEST_UNSET")
			if strings.Contains(err.Error(), missing) {
				t.Errorf("the block is there, and %v", err)
			}
		})
	}
}

func TestFromFindsTheRunningApp(t *testing.T) {
	s := testcaddy.New(t)
	if _, err := tokenapp.From(caddy.ActiveContext()); !errors.Is(err, tokenapp.ErrMissing) {
		t.Errorf("without a configuration: %v", err)
	}
	s.MustLoad("provider a dropbox {\nclient_id one\n}\nprovider b dropbox {\nclient_id two\n}", "")
	app, err := tokenapp.From(caddy.ActiveContext())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range app.AllProviders() {
		names = append(names, p.Name())
	}
	if got := strings.Join(names, " "); got != "a b" {
		t.Errorf("providers %s, want them in the order of the configuration", got)
	}
	if _, ok := app.Provider("b"); !ok || app.Metrics() == nil {
		t.Error("the app lacks a provider or its metrics")
	}
	if _, err := app.Store(); err != nil {
		t.Error(err)
	}
}
