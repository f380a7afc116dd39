package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// testSite is Caddy with a site on a port, and a stand-in for its provider,
// which is called demo.
type testSite struct {
	*testServer
	standin *standin.Server
	port    int
}

// newTestSite runs a site with these directives in it.
func newTestSite(t *testing.T, directives string) *testSite {
	t.Helper()
	s := &testSite{testServer: newTestServer(t), port: freePort(t), standin: standin.New(standin.Options{})}
	s.standin.SetClient(standin.Client{ID: "client", Secret: "client-secret", RedirectURIs: []string{s.url("/connect/callback/demo")}})
	if err := s.standin.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.standin.Close(); err != nil {
			t.Error(err)
		}
	})
	s.mustLoad(s.provider(), fmt.Sprintf("http://localhost:%d, http://tokens.example:%d {\n\tbind 127.0.0.1\n\tlog\n%s\n}\n", s.port, s.port, directives))
	return s
}

func (s *testSite) provider() string {
	return fmt.Sprintf("provider demo {\n client_id client\n client_secret client-secret\n scopes files.metadata.read account_info.read\n"+
		" authorize_url %[1]s/oauth2/authorize\n token_url %[1]s/oauth2/token\n host api %[2]s\n}\n"+
		"provider machine {\n grant client_credentials\n client_id client\n client_secret client-secret\n token_url %[1]s/oauth2/token\n}",
		s.standin.OAuthURL(), s.standin.APIURL())
}

func (s *testSite) url(path string) string { return fmt.Sprintf("http://localhost:%d%s", s.port, path) }

// connect gives a connection a grant whose token is still to be fetched.
func (s *testSite) connect(name string) {
	s.t.Helper()
	grant, err := s.standin.IssueGrant("client")
	if err != nil {
		s.t.Fatal(err)
	}
	store, err := s.app().Store()
	if err != nil {
		s.t.Fatal(err)
	}
	err = store.Import(s.t.Context(), tokenstore.ID{Provider: "demo", Name: name}, tokenstore.Import{RefreshToken: grant.RefreshToken})
	if err != nil {
		s.t.Fatal(err)
	}
}

// reply is a response that was read.
type reply struct {
	*http.Response
	body string
}

// newTestClient returns a client that finds the site by all of its names, and follows no redirect
// of its own accord.
func (s *testSite) newClient() *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, fmt.Sprintf(":%d", s.port)) {
			addr = fmt.Sprintf("127.0.0.1:%d", s.port)
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// do sends a request with headers "Name: value"; a Host among them counts.
func (s *testSite) do(c *http.Client, method, target, body string, headers ...string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	res, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res, string(raw)}
}

func (s *testSite) get(path string, headers ...string) reply {
	s.t.Helper()
	return s.do(s.newClient(), "GET", s.url(path), "", headers...)
}

// wantProblem fails unless a is that problem, and one that nobody may keep.
func (a reply) wantProblem(t *testing.T, status int, code string) problemDocument {
	t.Helper()
	var doc problemDocument
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		t.Fatalf("status %d, body %q: %v", a.StatusCode, a.body, err)
	}
	if a.StatusCode != status || doc.Status != status || doc.Type != problemTypes+code {
		t.Errorf("status %d, %+v; want %d, %s", a.StatusCode, doc, status, code)
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return doc
}

const demoRoutes = `
	token_connect /connect/*
	token_endpoint /token demo/auth {
		allow local
		allow origin http://localhost:5173
	}
	token_endpoint /files/* demo/auth
	token_endpoint /machine machine/auth
	token_endpoint /of/* demo/{http.request.uri.query.user}
	handle_path /api/* {
		token_proxy demo/auth {
			allow local
			allow origin http://localhost:5173
		}
	}
	route /passed {
		token_guard demo/auth {
			on_error pass
		}
		respond "auth {http.request.header.Authorization} cookie {http.request.header.Cookie}."
	}
	route /guarded {
		token_guard demo/auth
		respond "guarded"
	}
	respond /* "next" 299
`

func TestTokenEndpoint(t *testing.T) {
	s := newTestSite(t, demoRoutes)
	doc := s.get("/token").wantProblem(t, http.StatusConflict, "consent_needed")
	if doc.Reason != "not_connected" || doc.ConnectURL != s.url("/connect/demo/auth") {
		t.Errorf("%+v", doc)
	}
	s.connect("auth")

	token := s.get("/token")
	if token.StatusCode != http.StatusOK || token.body == "" || strings.TrimSpace(token.body) != token.body {
		t.Fatalf("status %d, body %q", token.StatusCode, token.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
		"Vary": "Origin, Accept, Authorization, Cookie", "Etag": "", "Last-Modified": "", "Access-Control-Allow-Origin": "",
	} {
		if got := strings.Join(token.Header.Values(name), ", "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	t.Run("a conditional request and one for a range get all of it", func(t *testing.T) {
		a := s.get("/token", "If-None-Match: *", "Range: bytes=0-1", "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT")
		if a.StatusCode != http.StatusOK || a.body != token.body {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		a := s.get("/token?min_ttl=60", "Accept: application/json")
		var doc tokenDocument
		if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
			t.Fatal(err)
		}
		if a.Header.Get("Content-Type") != "application/json" || doc.AccessToken != token.body || !strings.EqualFold(doc.TokenType, "bearer") {
			t.Errorf("%s: %+v", a.Header.Get("Content-Type"), doc)
		}
		if doc.ExpiresIn == nil || doc.ExpiresAt == nil || *doc.ExpiresIn < 3600 || *doc.ExpiresIn > int64(standin.DefaultAccessLifetime/time.Second) ||
			time.Until(*doc.ExpiresAt) < time.Hour {
			t.Errorf("expires in %v, at %v", doc.ExpiresIn, doc.ExpiresAt)
		}
		if strings.Contains(a.body, "refresh") {
			t.Errorf("it speaks of a refresh token: %s", a.body)
		}
	})
	t.Run("by POST", func(t *testing.T) {
		if a := s.do(s.newClient(), "POST", s.url("/token"), "ignored"); a.body != token.body {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	t.Run("the best there is if none lives long enough", func(t *testing.T) {
		if a := s.get("/token?min_ttl=86400"); a.StatusCode != http.StatusOK || a.body == "" {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	t.Run("for a page that is allowed", func(t *testing.T) {
		a := s.get("/token", "Origin: http://localhost:5173")
		if a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" {
			t.Errorf("status %d, %v", a.StatusCode, a.Header)
		}
	})
	t.Run("a problem can be read by a page that is allowed", func(t *testing.T) {
		a := s.get("/token?min_ttl=x", "Origin: http://localhost:5173")
		a.wantProblem(t, http.StatusBadRequest, "bad_request")
		if a.Header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" {
			t.Errorf("%v", a.Header)
		}
	})
	t.Run("without anybody's consent", func(t *testing.T) {
		if a := s.get("/machine"); a.StatusCode != http.StatusOK || a.body == "" || a.body == token.body {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	t.Run("of a connection that the request names", func(t *testing.T) {
		if a := s.get("/of/x?user=auth"); a.StatusCode != http.StatusOK || a.body == "" {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		status       int
		code         string
	}{
		"HEAD":                         {method: "HEAD", path: "/token", status: 405},
		"PUT":                          {method: "PUT", path: "/token", status: 405, code: "method_not_allowed"},
		"OPTIONS that is no preflight": {method: "OPTIONS", path: "/token", status: 405, code: "method_not_allowed"},
		"a minimum that is none":       {path: "/token?min_ttl=1.5", status: 400, code: "bad_request"},
		"a path that a cache takes for a style sheet": {path: "/files/token.css", status: 404, code: "not_found"},
		"one with a parameter":                        {path: "/files/token;x.js", status: 404, code: "not_found"},
		"one with an escaped newline":                 {path: "/files/token%0a.css", status: 404, code: "not_found"},
		"one with an escaped dot":                     {path: "/files/token%2ecss", status: 404, code: "not_found"},
		"a foreign host":                              {path: "/token", headers: []string{"Host: evil.example"}, status: 200}, // of Caddy itself: there is no such site
		"a page that is not allowed":                  {path: "/token", headers: []string{"Origin: https://evil.example"}, status: 403, code: "origin_not_allowed"},
		"an unknown connection":                       {path: "/of/x?user=nobody", status: 404, code: "unknown_connection"},
		"a malformed connection":                      {path: "/of/x?user=a%2Fb", status: 404, code: "unknown_connection"},
		"an empty connection":                         {path: "/of/x?user=", status: 404, code: "unknown_connection"},
		"a placeholder where a name should be":        {path: "/of/x?user=%7Bhttp.request.uri.query.real%7D&real=auth", status: 404, code: "unknown_connection"},
	} {
		t.Run("not for "+name, func(t *testing.T) {
			method := tc.method
			if method == "" {
				method = "GET"
			}
			a := s.do(s.newClient(), method, s.url(tc.path), "", tc.headers...)
			if a.StatusCode != tc.status || strings.Contains(a.body, token.body) {
				t.Errorf("status %d, want %d; body %q", a.StatusCode, tc.status, a.body)
			}
			if tc.code != "" {
				a.wantProblem(t, tc.status, tc.code)
			}
			if tc.status == 405 && a.Header.Get("Allow") != "GET, POST" {
				t.Errorf("Allow %q", a.Header.Get("Allow"))
			}
		})
	}
	if a, b := s.get("/of/x?user=nobody"), s.get("/of/x?user=a%2Fb"); a.body != b.body {
		t.Errorf("unknown and malformed connections can be told apart: %q, %q", a.body, b.body)
	}
	if strings.Contains(s.log(), token.body) {
		t.Error("the token is in the log")
	}
}

func TestHostilePageReachesNothing(t *testing.T) {
	s := newTestSite(t, demoRoutes)
	s.connect("auth")
	const call = "/api/2/users/get_current_account"
	if a := s.do(s.newClient(), "POST", s.url(call), "null", "Content-Type: application/json"); a.StatusCode != http.StatusOK {
		t.Fatalf("a program gets status %d, %s", a.StatusCode, a.body)
	}
	before := s.standin.Requests("/2/users/get_current_account")
	for name, headers := range map[string][]string{
		"a POST that needs no preflight": {"Origin: https://evil.example", "Content-Type: text/plain; charset=dropbox-cors-hack"},
		"a POST of a sandboxed frame":    {"Origin: null", "Content-Type: text/plain"},
		"a form that is sent off":        {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"},
		"a request without an origin":    {"Sec-Fetch-Site: cross-site"},
		"one of an old browser":          {"Referer: https://evil.example/", "User-Agent: Mozilla/5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.do(s.newClient(), "POST", s.url(call), "null", headers...)
			a.wantProblem(t, http.StatusForbidden, "origin_not_allowed")
			if a.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(a.Header.Get("Vary"), "Origin") {
				t.Errorf("%v", a.Header)
			}
			s.do(s.newClient(), "GET", s.url("/guarded"), "", headers...).wantProblem(t, http.StatusForbidden, "origin_not_allowed")
		})
	}
	if after := s.standin.Requests("/2/users/get_current_account"); after != before {
		t.Errorf("%d requests reached the API", after-before)
	}
}

func TestGuard(t *testing.T) {
	s := newTestSite(t, demoRoutes)
	t.Run("refuses while there is no token", func(t *testing.T) {
		s.get("/guarded").wantProblem(t, http.StatusConflict, "consent_needed")
	})
	t.Run("passes without a token where it may, and takes the client's credentials off", func(t *testing.T) {
		if a := s.get("/passed", "Authorization: Bearer of-the-client", "Proxy-Authorization: Basic x"); a.body != "auth  cookie ." {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	s.connect("auth")
	t.Run("lets go on when there is one", func(t *testing.T) {
		if a := s.get("/guarded"); a.body != "guarded" {
			t.Errorf("status %d, body %q", a.StatusCode, a.body)
		}
	})
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		status       int
		code         string
	}{
		"TRACE":                        {method: "TRACE", path: "/guarded", status: 405, code: "method_not_allowed"},
		"TRACK":                        {method: "TRACK", path: "/guarded", status: 405, code: "method_not_allowed"},
		"trace in lower case":          {method: "trace", path: "/guarded", status: 405, code: "method_not_allowed"},
		"an upgrade to h2c":            {method: "GET", path: "/guarded", headers: []string{"Connection: upgrade", "Upgrade: websocket, H2C/1"}, status: 400, code: "bad_request"},
		"a path with an escaped slash": {method: "GET", path: "/api/a%2fb", status: 400, code: "bad_request"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			s.do(s.newClient(), tc.method, s.url(tc.path), "", tc.headers...).wantProblem(t, tc.status, tc.code)
		})
	}
	t.Run("says when to come back if the provider is out of order", func(t *testing.T) {
		s.connect("later")
		if err := s.standin.Close(); err != nil {
			t.Fatal(err)
		}
		a := s.get("/of/x?user=later")
		a.wantProblem(t, http.StatusServiceUnavailable, "unavailable")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("survives the end of the store", func(t *testing.T) {
		s.app().link.end()
		store, err := s.app().Store()
		if err == nil {
			err = store.Close(context.WithoutCancel(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		s.get("/guarded").wantProblem(t, http.StatusServiceUnavailable, "store_unavailable")
	})
}
