package grants_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

const (
	page   = "https://app.example.com"
	routes = `
	token_grants /grants
	token_endpoint /token demo/auth {
		allow key backend
		allow origin https://app.example.com https://other.example.com
	}
	handle_path /api/* {
		token_proxy demo/auth {
			allow key backend
			allow origin https://app.example.com https://other.example.com
		}
	}
`
)

// test is a site with a key for the connections of demo.
type test struct {
	*testcaddy.Site
	key string
}

func newTest(t *testing.T, scope callerkey.Scope) *test {
	t.Helper()
	s := testcaddy.NewSite(t, routes)
	s.Connect("auth")
	_, key, err := keysOf(t, s).Create(t.Context(), callerkey.Spec{Name: "backend", Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	return &test{s, key.Reveal()}
}

func keysOf(t *testing.T, s *testcaddy.Site) *callerkey.Keys {
	t.Helper()
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	return store.CallerKeys()
}

// ask posts body with the key, or with other headers if there are any.
func (s *test) ask(body string, headers ...string) testcaddy.Reply {
	s.T.Helper()
	if len(headers) == 0 {
		headers = []string{"Authorization: Bearer " + s.key}
	}
	return s.Do(s.NewClient(), "POST", s.URL("/grants"), body, headers...)
}

// grant returns the grant that is answered.
func (s *test) grant(body string) (grant string, lives time.Duration) {
	s.T.Helper()
	began := time.Now()
	a := s.ask(body)
	ended := time.Now()
	var doc struct {
		Grant     string    `json:"grant"`
		ExpiresIn int       `json:"expires_in"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal([]byte(a.Text), &doc); err != nil || a.StatusCode != http.StatusOK || !strings.HasPrefix(doc.Grant, "tsg_") {
		s.T.Fatalf("status %d, %s: %v", a.StatusCode, a.Text, err)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
		s.T.Errorf("%v", a.Header)
	}
	lives = time.Duration(doc.ExpiresIn) * time.Second
	// Both are told in whole seconds.
	if made := doc.ExpiresAt.Add(-lives); made.Before(began.Add(-2*time.Second)) || made.After(ended.Add(2*time.Second)) {
		s.T.Errorf("it expires in %s, at %s", lives, doc.ExpiresAt)
	}
	return doc.Grant, lives
}

// call sends a request of a page.
func (s *test) call(method, path, origin, grant string) testcaddy.Reply {
	s.T.Helper()
	return s.Do(s.NewClient(), method, s.URL(path), "", "Origin: "+origin, "Authorization: Bearer "+grant)
}

func TestAPageUsesAGrant(t *testing.T) {
	s := newTest(t, callerkey.Scope{Connections: []string{"demo/*"}})
	grant, lives := s.grant(`{"origin":"https://app.example.com","connection":"demo/auth","methods":["POST"],"paths":["/2/users/*"]}`)
	if lives < 9*time.Minute || lives > 10*time.Minute {
		t.Errorf("it lives %s", lives)
	}
	a := s.call("POST", "/api/2/users/get_current_account", page, grant)
	if a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("status %d, %s", a.StatusCode, a.Text)
	}
	for name, a := range map[string]testcaddy.Reply{
		"another path":   s.call("POST", "/api/2/files/list_folder", page, grant),
		"another method": s.call("GET", "/api/2/users/get_current_account", page, grant),
		"another page":   s.call("POST", "/api/2/users/get_current_account", "https://other.example.com", grant),
		"the token":      s.call("GET", "/token", page, grant),
		"a program":      s.Do(s.NewClient(), "POST", s.URL("/api/2/users/get_current_account"), "", "Authorization: Bearer "+grant),
	} {
		t.Run(name, func(t *testing.T) { a.WantProblem(t, http.StatusForbidden, "caller_not_allowed") })
	}
	s.call("POST", "/api/2/users/get_current_account", page, grant[:len(grant)-2]+"xx").WantProblem(t, http.StatusUnauthorized, "credentials_needed")

	if err := keysOf(t, s.Site).Revoke(t.Context(), "backend"); err != nil {
		t.Fatal(err)
	}
	s.call("POST", "/api/2/users/get_current_account", page, grant).WantProblem(t, http.StatusUnauthorized, "credentials_needed")
	if log := s.Log(); strings.Contains(log, s.key) || strings.Contains(log, grant) {
		t.Errorf("a key or a grant is in the log")
	}
}

// A token would be bound to no page, and outlive the grant.
func TestAGrantBuysNoToken(t *testing.T) {
	s := newTest(t, callerkey.Scope{Connections: []string{"demo/auth"}})
	grant, _ := s.grant(`{"origin":"https://app.example.com","connection":"demo/auth"}`)
	s.call("GET", "/token", page, grant).WantProblem(t, http.StatusForbidden, "caller_not_allowed")
	if a := s.call("POST", "/api/2/users/get_current_account", page, grant); a.StatusCode != http.StatusOK {
		t.Errorf("status %d, %s", a.StatusCode, a.Text)
	}
}

func TestAGrantIsNoMoreThanItsKey(t *testing.T) {
	s := newTest(t, callerkey.Scope{Connections: []string{"demo/auth"}, Methods: []string{"POST"}})
	for name, body := range map[string]string{
		"another connection": `{"origin":"https://app.example.com","connection":"demo/other"}`,
		"another method":     `{"origin":"https://app.example.com","connection":"demo/auth","methods":["GET"]}`,
	} {
		t.Run(name, func(t *testing.T) { s.ask(body).WantProblem(t, http.StatusForbidden, "caller_not_allowed") })
	}
	grant, lives := s.grant(`{"origin":"https://app.example.com","connection":"demo/auth","lifetime":60}`)
	if lives > time.Minute {
		t.Errorf("it lives %s", lives)
	}
	// What is left out is as with the key.
	s.call("GET", "/api/2/users/get_current_account", page, grant).WantProblem(t, http.StatusForbidden, "caller_not_allowed")
	s.ask(`{"origin":"https://app.example.com","connection":"demo/auth"}`, "Authorization: Bearer "+grant).WantProblem(t, http.StatusUnauthorized, "credentials_needed")
}

func TestWhoGetsNoGrant(t *testing.T) {
	s := newTest(t, callerkey.Scope{Connections: []string{"demo/auth"}})
	const good = `{"origin":"https://app.example.com","connection":"demo/auth"}`
	auth := "Authorization: Bearer " + s.key
	for _, tc := range []struct {
		name, body string
		headers    []string
		status     int
		code       string
	}{
		{"no key", good, []string{"X-Nothing: 1"}, 401, "credentials_needed"},
		{"a key that nobody made", good, []string{auth + "x"}, 401, "credentials_needed"},
		{"a page", good, []string{auth, "Origin: " + page}, 403, "caller_not_allowed"},
		{"nothing", "", nil, 400, "bad_request"},
		{"something else", `[]`, nil, 400, "bad_request"},
		{"something behind it", good + "]", nil, 400, "bad_request"},
		{"two objects", good + good, nil, 400, "bad_request"},
		{"a member that nobody knows", `{"origin":"https://app.example.com","connection":"demo/auth","method":["GET"]}`, nil, 400, "bad_request"},
		{"no origin", `{"connection":"demo/auth"}`, nil, 400, "bad_request"},
		{"every origin", `{"origin":"*","connection":"demo/auth"}`, nil, 400, "bad_request"},
		{"every connection", `{"origin":"https://app.example.com","connection":"demo/*"}`, nil, 400, "bad_request"},
		{"too long a life", `{"origin":"https://app.example.com","connection":"demo/auth","lifetime":3601}`, nil, 400, "bad_request"},
		{"a negative life", `{"origin":"https://app.example.com","connection":"demo/auth","lifetime":-1}`, nil, 400, "bad_request"},
		{"more than a grant can hold", `{"origin":"` + strings.Repeat("x", 8<<10) + `"}`, nil, 400, "bad_request"},
	} {
		t.Run(tc.name, func(t *testing.T) { s.ask(tc.body, tc.headers...).WantProblem(t, tc.status, tc.code) })
	}
	s.Get("/grants", auth).WantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
}

// A site that answers to every name is asked by pages that have been pointed at it.
func TestAForeignHostGetsNoGrant(t *testing.T) {
	s, _, providers, _ := testcaddy.NewAcme(t)
	port := testcaddy.FreePort(t)
	s.MustLoad(providers, fmt.Sprintf(":%d {\n\tbind 127.0.0.1\n\ttoken_grants /grants\n}\n", port))
	r, err := http.NewRequestWithContext(t.Context(), "POST", fmt.Sprintf("http://127.0.0.1:%d/grants", port), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header.Set("Authorization", "Bearer tsk_x")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("status %d", res.StatusCode)
	}
}
