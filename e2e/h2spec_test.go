package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// What token_proxy does wrong by h2spec, a reverse_proxy of the same Caddy does wrong too.
func TestH2specFindsNoMoreThanInStockCaddy(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "fine")
	}))
	t.Cleanup(api.Close)
	oauth := standin.New(standin.Options{Clients: []standin.Client{{ID: "id", Secret: clientSecret}}})
	if err := oauth.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = oauth.Close() })
	c := newCaddy(t)
	c.start(c.caddyfileWith("servers {\nprotocols h1 h2 h2c\n}", fmt.Sprintf(`provider demo generic {
		grant client_credentials
		client_id id
		client_secret {env.CLIENT_SECRET}
		token_url %s/oauth2/token
		host api %s
	}`, oauth.OAuthURL(), api.URL), fmt.Sprintf(`
	handle_path /ours/* {
		token_proxy demo/one
	}
	handle_path /stock/* {
		reverse_proxy %s
	}`, api.Listener.Addr())))

	stock, run := h2specFailures(c.port, "/stock/")
	ours, runOurs := h2specFailures(c.port, "/ours/")
	t.Logf("of %d cases of h2spec, a reverse_proxy fails %d, a token_proxy %d of %d", run, len(stock), len(ours), runOurs)
	if run < 140 || run != runOurs {
		t.Errorf("h2spec ran %d and %d cases", run, runOurs)
	}
	for failure := range ours {
		if !stock[failure] {
			t.Errorf("only a token_proxy fails %s", failure)
		}
	}
}

// h2specFailures returns the cases of h2spec that fail at a path, and how many were run.
func h2specFailures(port int, path string) (failed map[string]bool, run int) {
	settings := &config.Config{Host: "127.0.0.1", Port: port, Path: path, Timeout: 2 * time.Second, MaxHeaderLen: 4000}
	failed = map[string]bool{}
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(settings)
		run += group.PassedCount + group.FailedCount
		collectFailures(group, failed)
	}
	return failed, run
}

func collectFailures(group *spec.TestGroup, failed map[string]bool) {
	for _, c := range group.Tests {
		if c.Result != nil && c.Result.Failed {
			failed[group.ID()+": "+c.Desc] = true
		}
	}
	for _, g := range group.Groups {
		collectFailures(g, failed)
	}
}
