package access_test

import (
	"net/http"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

func TestLimitsAreOfEachCaller(t *testing.T) {
	s := testcaddy.NewSite(t, `
	token_endpoint /token demo/auth {
		allow local
		allow key *
		limit caller 2/1h
	}
	handle_path /api/* {
		token_proxy demo/auth {
			allow local
			limit connection 2/1h
		}
	}
`)
	s.Connect("auth")
	a := makeKey(t, s, "a", callerkey.Scope{Connections: []string{"demo/auth"}})
	b := makeKey(t, s, "b", callerkey.Scope{Connections: []string{"demo/auth"}})
	wrong := makeKey(t, s, "wrong", callerkey.Scope{Connections: []string{"demo/other"}})
	for range 2 {
		for name, headers := range map[string][]string{"no key": nil, "key a": {"Authorization: Bearer " + a}, "key b": {"Authorization: Bearer " + b}} {
			if reply := s.Get("/token", headers...); reply.StatusCode != http.StatusOK {
				t.Errorf("%s: status %d", name, reply.StatusCode)
			}
		}
		// What is refused for another reason is not counted.
		s.Get("/token", "Authorization: Bearer "+wrong).WantProblem(t, http.StatusNotFound, "unknown_connection")
	}
	third := s.Get("/token", "Authorization: Bearer "+a)
	third.WantProblem(t, http.StatusTooManyRequests, "too_many_requests")
	if wait := third.Header.Get("Retry-After"); wait == "" || wait == "0" {
		t.Errorf("Retry-After %q", wait)
	}
	s.Get("/token").WantProblem(t, http.StatusTooManyRequests, "too_many_requests")

	// The proxy has limits of its own.
	for range 2 {
		if reply := s.Do(s.NewClient(), "POST", s.URL("/api/2/users/get_current_account"), ""); reply.StatusCode != http.StatusOK {
			t.Errorf("status %d", reply.StatusCode)
		}
	}
	before := len(s.Standin.Journal())
	s.Do(s.NewClient(), "POST", s.URL("/api/2/users/get_current_account"), "").WantProblem(t, http.StatusTooManyRequests, "too_many_requests")
	if after := len(s.Standin.Journal()); after != before {
		t.Errorf("%d requests went on", after-before)
	}
}

func TestAPlaceIsFreeAgainWhenARequestHasEnded(t *testing.T) {
	s := testcaddy.NewSite(t, "\thandle_path /api/* {\n\t\ttoken_proxy demo/auth {\n\t\t\tlimit caller concurrent 1\n\t\t}\n\t}\n")
	s.Connect("auth")
	for range 3 {
		if reply := s.Do(s.NewClient(), "POST", s.URL("/api/2/users/get_current_account"), ""); reply.StatusCode != http.StatusOK {
			t.Errorf("status %d", reply.StatusCode)
		}
	}
}
