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

// problemSeen is a problem document as a client reads it.
type problemSeen struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail"`
	Reason     string `json:"reason"`
	ConnectURL string `json:"connect_url"`
}

// wantProblem fails unless a is that problem, and one that nobody may keep.
func (a reply) wantProblem(t *testing.T, status int, code string) problemSeen {
	t.Helper()
	var doc problemSeen
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		t.Fatalf("status %d, body %q: %v", a.StatusCode, a.body, err)
	}
	if a.StatusCode != status || doc.Status != status || doc.Type != "https://github.com/caddy-tokenstore/caddy-tokenstore/blob/main/docs/problems.md#"+code {
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
