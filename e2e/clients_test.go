package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// saas is Caddy between a client that knows nothing of it and a server of the test's own. The server wants the token of the
// connection saas/auth, which is the stand-in's, and nothing else.
type saas struct {
	*caddyServer
	oauth *standin.Server
	api   *httptest.Server

	mu   sync.Mutex
	seen []*http.Request // guarded by mu; those that had the token
}

// saasSite has the token at /token, and the server below /saas/. Caddy's placeholders and plugins are none of a client's business.
const saasSite = `
	token_endpoint /token saas/auth
	handle_path /saas/* {
		token_proxy saas/auth
	}`

// newSaaS starts all but Caddy; the token that it begins with has expired.
func newSaaS(t *testing.T, serve http.Handler) *saas {
	t.Helper()
	s := &saas{caddyServer: newCaddy(t)}
	s.oauth = startStandin(t, standin.Options{Clients: []standin.Client{{ID: "demo", Secret: clientSecret}}})
	s.api = httptest.NewServer(s.demanding(serve))
	t.Cleanup(s.api.Close)
	return s
}

// startSaaS starts Caddy too. The provider's host is the server.
func startSaaS(t *testing.T, serve http.Handler) *saas {
	t.Helper()
	s := newSaaS(t, serve)
	s.startWith("host main "+s.api.URL, s.caddyfile, saasSite)
	return s
}

// startWith starts Caddy with a provider that has these lines, and gives the connection its grant.
func (s *saas) startWith(hosts string, caddyfile func(tokenStore, site string) string, site string) {
	s.t.Helper()
	s.start(caddyfile(fmt.Sprintf(`
		provider saas generic {
			client_id     demo
			client_secret {env.CLIENT_SECRET}
			authorize_url %[1]s/oauth2/authorize
			token_url     %[1]s/oauth2/token
			min_refresh_interval 1ns
			%[2]s
		}`, s.oauth.OAuthURL(), hosts), site))
	grant, err := s.oauth.IssueGrant("demo")
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"access_token": grant.AccessToken, "refresh_token": grant.RefreshToken, "expires_in": 14400})
	if err != nil {
		s.t.Fatal(err)
	}
	s.admin(http.MethodPut, "/token_store/connections/saas/auth", body, http.StatusOK)
	s.oauth.ExpireAccessTokens()
}

// demanding lets requests through that have a token which is good at this moment: as a bearer, as "token", or as a password.
func (s *saas) demanding(serve http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if user, password, ok := r.BasicAuth(); ok && user == "x-access-token" {
			scheme, token = "Bearer", password
		}
		if len(r.Header["Authorization"]) != 1 || scheme != "Bearer" || !s.accepts(token) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("WWW-Authenticate", `Basic realm="saas"`)
			http.Error(w, `{"message":"Bad credentials","ok":false,"error":"invalid_auth"}`, http.StatusUnauthorized)
			return
		}
		s.mu.Lock()
		s.seen = append(s.seen, r)
		s.mu.Unlock()
		serve.ServeHTTP(w, r)
	})
}

// accepts reports whether the stand-in would.
func (s *saas) accepts(token string) bool {
	r := httptest.NewRequest(http.MethodPost, "/2/users/get_current_account", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.oauth.API().ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

// requests returns those that the server has let through since it was asked last.
func (s *saas) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// arrived fails the test unless a request of that method and path came to the server with this header.
func (s *saas) arrived(method, path, header, value string) {
	s.t.Helper()
	var found []string
	for _, r := range s.requests() {
		if r.Method == method && r.URL.Path == path {
			if r.Header.Get(header) == value {
				return
			}
			found = append(found, r.Header.Get(header))
		}
	}
	s.t.Errorf("no %s of %s has the header %s: %s, but %q", method, path, header, value, found)
}

// sh runs a program as a user does who has no settings of their own, and returns what it prints.
func (s *saas) sh(program string, args ...string) string {
	s.t.Helper()
	out, err := s.tryProgram(program, args...)
	if err != nil {
		s.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

func (s *saas) tryProgram(program string, args ...string) (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), program, args...)
	cmd.Dir = s.dir
	cmd.Env = append(cmd.Environ(), "HOME="+s.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=n", "GIT_AUTHOR_EMAIL=e@example.com", "GIT_COMMITTER_NAME=n", "GIT_COMMITTER_EMAIL=e@example.com",
		"RCLONE_CONFIG="+s.dir+"/rclone.conf", "GH_CONFIG_DIR="+s.dir+"/gh", "GH_TOKEN=the-users-own", "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// refresh gets the connection a new token, and makes those before it worthless.
func (s *saas) refresh() {
	s.t.Helper()
	s.oauth.ExpireAccessTokens()
	s.admin(http.MethodPost, "/token_store/connections/saas/auth/refresh", nil, http.StatusOK)
}
