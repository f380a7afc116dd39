package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// consent connects an account in a browser, which makes more secrets.
func (s *scan) consent(server *standin.Server) {
	s.t.Helper()
	server.Script(standin.Fault{GrantType: "authorization_code", Stage: standin.After, Rewrite: func(body []byte) []byte {
		return bytes.Replace(body, []byte("{"), []byte(`{"id_token":"`+idToken+`",`), 1)
	}})
	page := s.c.url("/connect/dropbox-demo/auth")
	b := newBrowser(s.t)
	if status := b.connect(page, nil, nil); status != http.StatusOK {
		s.t.Fatalf("the consent ended with status %d", status)
	}
	for _, name := range []string{"code", "state", "code_challenge"} {
		if s.secrets[name] = b.param(name); s.secrets[name] == "" {
			s.t.Fatalf("the browser never saw a %s", name)
		}
	}
	for _, cookie := range b.cookies {
		s.secrets["cookie "+cookie.Name[:4]] = cookie.Value
	}
	// The same callback again, as from a history: an error page.
	s.fetch(http.MethodGet, "/connect/callback/dropbox-demo?code="+s.secrets["code"]+"&state="+s.secrets["state"], nil)
}

// forward uses the connection in both ways, also when the API answers with the token, or sends the client elsewhere with it.
func (s *scan) forward(server *standin.Server) {
	s.t.Helper()
	checkServes(s.t, s.c)
	server.RevokeAccessTokens() // so that the transport has to try again
	checkServes(s.t, s.c)
	s.fetch(http.MethodPost, "/dropbox/2/files/list_folder", []byte(`{"path":""}`))
	s.fetch(http.MethodPost, "/dropbox/2/files/get_metadata", []byte(`{"path":"/missing"}`))
	_, token := s.fetch(http.MethodGet, "/token", nil)
	for _, echo := range []standin.Fault{
		{Header: http.Header{"X-Echo": {"Bearer " + string(token)}}},
		{Header: http.Header{"Set-Cookie": {"token=" + string(token)}}},
		{Status: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.example/?access_token=" + string(token)}}},
	} {
		echo.Path, echo.Stage = "/2/files/list_folder", standin.After
		server.Script(echo)
		s.fetch(http.MethodPost, "/dropbox/2/files/list_folder", []byte(`{"path":""}`))
	}
}

// fail provokes every kind of error there is.
func (s *scan) fail(server *standin.Server) {
	s.t.Helper()
	s.fetch(http.MethodGet, "/missing", nil)
	s.fetch(http.MethodGet, "/token/style.css", nil)
	s.fetch(http.MethodGet, "/token?min_ttl=x", nil)
	s.fetch(http.MethodDelete, "/token", nil)
	s.fetch(http.MethodGet, "/dropbox/..;/token", nil)
	s.fetch(http.MethodGet, "/connect/callback/dropbox-demo?code=x&state=y", nil)
	for _, fault := range []standin.Fault{
		{GrantType: "refresh_token", Status: http.StatusServiceUnavailable},
		{GrantType: "refresh_token", Stage: standin.Before, Status: http.StatusBadRequest, Body: `{"error":"` + clientSecret + `"}`},
		{GrantType: "refresh_token", Redirect: "http://127.0.0.1:9/?secret=" + clientSecret},
	} {
		server.Script(fault)
		s.refresh()
	}
	server.Script(standin.Fault{Path: "/2/files/list_folder", Cut: true})
	s.fetch(http.MethodPost, "/dropbox/2/files/list_folder", []byte(`{"path":""}`))
	for _, f := range server.Families() {
		server.RevokeFamily(f.ID)
	}
	s.refresh()
	s.fetch(http.MethodGet, "/metrics", nil)
	bad, err := json.Marshal(map[string]any{"access_token": 1, "refresh_token": clientSecret})
	if err != nil {
		s.t.Fatal(err)
	}
	s.ask(http.MethodPut, "/token_store/connections/dropbox-demo/bad", bad)
}

// refresh asks for a refresh.
func (s *scan) refresh() {
	s.t.Helper()
	s.ask(http.MethodPost, "/token_store/connections/dropbox-demo/auth/refresh", nil)
}

// administer looks at all that the admin API and the command tell, and takes the connection away.
func (s *scan) administer() {
	s.t.Helper()
	for _, path := range []string{
		"/config/", "/token_store/ready", "/token_store/providers", "/token_store/connections", "/token_store/keys",
		"/token_store/connections/dropbox-demo/auth", "/token_store/connections/dropbox-demo/nobody",
		"/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1", "/debug/vars", "/metrics", "/reverse_proxy/upstreams",
	} {
		s.ask(http.MethodGet, path, nil)
	}
	s.run("list")
	s.run("show", "dropbox-demo/auth")
	s.run("show", "dropbox-demo/nobody")
	s.run("refresh", "dropbox-demo/auth")
	s.run("delete", "--yes", "dropbox-demo/auth")
	s.run("delete", "--yes", "dropbox-demo/auth")
}
