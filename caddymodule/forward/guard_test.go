package forward_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

func TestHostilePageReachesNothing(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	s.Connect("auth")
	const call = "/api/2/users/get_current_account"
	if a := s.Do(s.NewClient(), "POST", s.URL(call), "null", "Content-Type: application/json"); a.StatusCode != http.StatusOK {
		t.Fatalf("a program gets status %d, %s", a.StatusCode, a.Text)
	}
	before := s.Standin.Requests("/2/users/get_current_account")
	for name, headers := range map[string][]string{
		"a POST that needs no preflight": {"Origin: https://evil.example", "Content-Type: text/plain; charset=dropbox-cors-hack"},
		"a POST of a sandboxed frame":    {"Origin: null", "Content-Type: text/plain"},
		"a form that is sent off":        {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"},
		"a request without an origin":    {"Sec-Fetch-Site: cross-site"},
		"one of an old browser":          {"Referer: https://evil.example/", "User-Agent: Mozilla/5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Do(s.NewClient(), "POST", s.URL(call), "null", headers...)
			a.WantProblem(t, http.StatusForbidden, "origin_not_allowed")
			if a.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(a.Header.Get("Vary"), "Origin") {
				t.Errorf("%v", a.Header)
			}
			s.Do(s.NewClient(), "GET", s.URL("/guarded"), "", headers...).WantProblem(t, http.StatusForbidden, "origin_not_allowed")
		})
	}
	if after := s.Standin.Requests("/2/users/get_current_account"); after != before {
		t.Errorf("%d requests reached the API", after-before)
	}
}

func TestGuard(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	t.Run("refuses while there is no token", func(t *testing.T) {
		s.Get("/guarded").WantProblem(t, http.StatusConflict, "consent_needed")
	})
	t.Run("passes without a token where it may, and takes the client's credentials off", func(t *testing.T) {
		if a := s.Get("/passed", "Authorization: Bearer of-the-client", "Proxy-Authorization: Basic x"); a.Text != "auth  cookie ." {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
		}
	})
	s.Connect("auth")
	t.Run("lets go on when there is one", func(t *testing.T) {
		if a := s.Get("/guarded"); a.Text != "guarded" {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
		}
	})
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		status       int
		code         string
	}{
		"CONNECT":                      {method: "CONNECT", path: "/guarded", status: 405, code: "method_not_allowed"},
		"TRACE":                        {method: "TRACE", path: "/guarded", status: 405, code: "method_not_allowed"},
		"TRACK":                        {method: "TRACK", path: "/guarded", status: 405, code: "method_not_allowed"},
		"trace in lower case":          {method: "trace", path: "/guarded", status: 405, code: "method_not_allowed"},
		"an upgrade to h2c":            {method: "GET", path: "/guarded", headers: []string{"Connection: upgrade", "Upgrade: websocket, H2C/1"}, status: 400, code: "bad_request"},
		"a path with an escaped slash": {method: "GET", path: "/api/a%2fb", status: 400, code: "bad_request"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			s.Do(s.NewClient(), tc.method, s.URL(tc.path), "", tc.headers...).WantProblem(t, tc.status, tc.code)
		})
	}
	t.Run("says when to come back if the provider is out of order", func(t *testing.T) {
		s.Connect("later")
		if err := s.Standin.Close(); err != nil {
			t.Fatal(err)
		}
		a := s.Get("/of/x?user=later")
		a.WantProblem(t, http.StatusServiceUnavailable, "unavailable")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("survives the end of the store", func(t *testing.T) {
		_ = s.App().(caddy.App).Stop()
		store, err := s.App().Store()
		if err == nil {
			err = store.Close(context.WithoutCancel(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Get("/guarded").WantProblem(t, http.StatusServiceUnavailable, "store_unavailable")
	})
}
