package access_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

const keyRoutes = `
	token_endpoint /token demo/auth {
		allow key ci
	}
	token_endpoint /mine demo/{token_store.caller} {
		allow key *
	}
	token_endpoint /open demo/auth
	handle_path /api/* {
		token_proxy demo/auth {
			allow key *
			allow origin http://localhost:5173
		}
	}
`

// makeKey makes a key and returns it.
func makeKey(t *testing.T, s *testcaddy.Site, name string, scope callerkey.Scope) string {
	t.Helper()
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := store.CallerKeys().Create(t.Context(), callerkey.Spec{Name: name, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal()
}

func TestKeysOpenRoutes(t *testing.T) {
	s := testcaddy.NewSite(t, keyRoutes)
	s.Connect("auth")
	ci := makeKey(t, s, "ci", callerkey.Scope{Connections: []string{"demo/auth"}})
	other := makeKey(t, s, "other", callerkey.Scope{Connections: []string{"demo/other"}})

	for name, a := range map[string]testcaddy.Reply{
		"as a bearer token":       s.Get("/token", "Authorization: Bearer "+ci),
		"in the header of Azure":  s.Get("/token", "Ocp-Apim-Subscription-Key: "+ci),
		"in the query":            s.Get("/token?min_ttl=1&subscription-key=" + ci),
		"in the query, otherwise": s.Get("/token?Subscription%2dKey=" + ci),
		"where none is asked for": s.Get("/open?subscription-key=" + ci),
	} {
		if a.StatusCode != http.StatusOK || a.Text == "" {
			t.Errorf("%s: status %d, %s", name, a.StatusCode, a.Text)
		}
	}
	none := s.Get("/token")
	none.WantProblem(t, http.StatusUnauthorized, "credentials_needed")
	if got := none.Header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate %q", got)
	}
	for name, a := range map[string]testcaddy.Reply{
		"one that nobody made": s.Get("/token", "Authorization: Bearer "+ci[:len(ci)-1]+"x"),
		"one of another route": s.Get("/token", "Authorization: Bearer "+other),
		"the token itself":     s.Get("/token", "Authorization: Bearer "+s.Get("/open").Text),
	} {
		if a.StatusCode != http.StatusUnauthorized || a.Text != none.Text {
			t.Errorf("%s: status %d, %s", name, a.StatusCode, a.Text)
		}
	}
	if log := s.Log(); strings.Contains(log, ci) || strings.Contains(log, other) {
		t.Errorf("a key is in the log")
	}
}

// What a key is not for, and what does not exist, look the same.
func TestAKeyDoesNotTellWhichConnectionsThereAre(t *testing.T) {
	s := testcaddy.NewSite(t, keyRoutes)
	s.Connect("victim")
	key := makeKey(t, s, "victim", callerkey.Scope{Connections: []string{"demo/auth"}})
	stranger := makeKey(t, s, "stranger", callerkey.Scope{Connections: []string{"demo/*"}})
	exists := s.Get("/mine", "Authorization: Bearer "+key)
	missing := s.Get("/mine", "Authorization: Bearer "+stranger)
	exists.WantProblem(t, http.StatusNotFound, "unknown_connection")
	if exists.Text != missing.Text {
		t.Errorf("%s\n%s", exists.Text, missing.Text)
	}
}

func TestKeysWithBoundsCannotGetTheToken(t *testing.T) {
	s := testcaddy.NewSite(t, keyRoutes)
	s.Connect("auth")
	bound := makeKey(t, s, "ci", callerkey.Scope{Connections: []string{"demo/auth"}, Methods: []string{"POST"}, Paths: []string{"/2/users/*"}})
	auth := "Authorization: Bearer " + bound
	s.Get("/token", auth).WantProblem(t, http.StatusForbidden, "caller_not_allowed")
	post := func(path string) testcaddy.Reply {
		return s.Do(s.NewClient(), "POST", s.URL(path), "", auth)
	}
	if a := post("/api/2/users/get_current_account"); a.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
	for _, path := range []string{"/api/2/files/list_folder", "/api/2/users/../files/list_folder", "/api/2/users/%2e%2e/files/list_folder"} {
		if a := post(path); a.StatusCode != http.StatusForbidden && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d: %s", path, a.StatusCode, a.Text)
		}
	}
	for _, e := range s.Standin.Journal() {
		if strings.Contains(e.Path, "list_folder") {
			t.Errorf("the API got %s", e.Path)
		}
	}
	s.Get("/api/2/users/get_current_account", auth).WantProblem(t, http.StatusForbidden, "caller_not_allowed")
}

// A path that is checked and another one that is sent would be no check.
func TestAKeyIsForThePathThatIsSent(t *testing.T) {
	s := testcaddy.NewSite(t, `
	handle_path /rewritten/* {
		token_proxy demo/auth {
			allow key *
			rewrite {query.to}
		}
	}
	handle_path /method/* {
		token_proxy demo/auth {
			allow key *
			method DELETE
		}
	}
	handle_path /guarded/* {
		route {
			token_guard demo/auth {
				allow key *
			}
			respond "behind the guard"
		}
	}
`)
	s.Connect("auth")
	auth := "Authorization: Bearer " + makeKey(t, s, "ci", callerkey.Scope{
		Connections: []string{"demo/auth"}, Methods: []string{"GET"}, Paths: []string{"/2/files/*"},
	})
	for _, path := range []string{"/rewritten/2/files/x?to=/2/users/delete", "/method/2/files/x", "/guarded/api/2/files/x"} {
		s.Get(path, auth).WantProblem(t, http.StatusForbidden, "caller_not_allowed")
	}
	if a := s.Get("/guarded/2/files/x", auth); a.Text != "behind the guard" {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
	for _, e := range s.Standin.Journal() {
		if strings.HasPrefix(e.Path, "/2/") {
			t.Errorf("the API got %s %s", e.Method, e.Path)
		}
	}
}

func TestAPageMayReadThatItsKeyIsNotGood(t *testing.T) {
	s := testcaddy.NewSite(t, keyRoutes)
	a := s.Get("/api/2/x", "Origin: http://localhost:5173", "Authorization: Bearer tsk_gone")
	a.WantProblem(t, http.StatusUnauthorized, "credentials_needed")
	if got := a.Header.Get("Access-Control-Allow-Origin"); got != "http://localhost:5173" {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
}

func TestARevokedKeyOpensNothing(t *testing.T) {
	s := testcaddy.NewSite(t, keyRoutes)
	s.Connect("auth")
	key := makeKey(t, s, "ci", callerkey.Scope{Connections: []string{"demo/auth"}})
	if a := s.Get("/token", "Authorization: Bearer "+key); a.StatusCode != http.StatusOK {
		t.Fatalf("status %d", a.StatusCode)
	}
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CallerKeys().Revoke(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	s.Get("/token", "Authorization: Bearer "+key).WantProblem(t, http.StatusUnauthorized, "credentials_needed")
}
