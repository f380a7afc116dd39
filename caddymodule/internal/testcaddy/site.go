package testcaddy

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

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite" // handle_path

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// Site is Caddy with a site on a port, and a stand-in for its provider,
// which is called demo.
type Site struct {
	*Server
	Standin *standin.Server
	Port    int
}

// NewSite runs a site with these directives in it.
func NewSite(t *testing.T, directives string) *Site {
	t.Helper()
	s := &Site{Server: New(t), Port: FreePort(t), Standin: standin.New(standin.Options{})}
	s.Standin.SetClient(standin.Client{ID: "client", Secret: "client-secret", RedirectURIs: []string{s.URL("/connect/callback/demo")}})
	if err := s.Standin.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Standin.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Reload(directives)
	return s
}

// Reload loads the site anew, with these directives in it. It returns when the server of the site before takes no
// connections any more: those that Caddy gives to a server that is about to end get no answer.
func (s *Site) Reload(directives string) {
	s.T.Helper()
	s.MustLoad(s.provider(), fmt.Sprintf("http://localhost:%d, http://tokens.example:%d {\n\tbind 127.0.0.1\n\tlog\n%s\n}\n", s.Port, s.Port, directives))
	address := fmt.Sprintf("127.0.0.1:%d", s.Port)
	if caddy.ListenerUsage("tcp", address) == 0 {
		s.T.Fatalf("nobody listens at %s", address)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); caddy.ListenerUsage("tcp", address) > 1; <-tick.C {
		if time.Since(began) > time.Minute {
			s.T.Fatal("the server of the site before does not end")
		}
	}
}

func (s *Site) provider() string {
	return fmt.Sprintf("provider demo {\n client_id client\n client_secret client-secret\n scopes files.metadata.read account_info.read\n"+
		" authorize_url %[1]s/oauth2/authorize\n token_url %[1]s/oauth2/token\n host api %[2]s\n}\n"+
		"provider machine {\n grant client_credentials\n client_id client\n client_secret client-secret\n token_url %[1]s/oauth2/token\n}",
		s.Standin.OAuthURL(), s.Standin.APIURL())
}

// URL returns the address of a path of the site, as localhost.
func (s *Site) URL(path string) string { return fmt.Sprintf("http://localhost:%d%s", s.Port, path) }

// Connect gives a connection a grant whose token is still to be fetched.
func (s *Site) Connect(name string) {
	s.T.Helper()
	grant, err := s.Standin.IssueGrant("client")
	if err != nil {
		s.T.Fatal(err)
	}
	store, err := s.App().Store()
	if err != nil {
		s.T.Fatal(err)
	}
	err = store.Import(s.T.Context(), tokenstore.ID{Provider: "demo", Name: name}, tokenstore.Import{RefreshToken: grant.RefreshToken})
	if err != nil {
		s.T.Fatal(err)
	}
}

// Reply is a response that was read.
type Reply struct {
	*http.Response
	Text string
}

// NewClient returns a client that finds the site by all of its names, and follows no redirect
// of its own accord.
func (s *Site) NewClient() *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, fmt.Sprintf(":%d", s.Port)) {
			addr = fmt.Sprintf("127.0.0.1:%d", s.Port)
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	s.T.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Do sends a request with headers "Name: value"; a Host among them counts.
func (s *Site) Do(c *http.Client, method, target, body string, headers ...string) Reply {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, target, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
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
		s.T.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return Reply{res, string(raw)}
}

// Get sends a GET as a local program does.
func (s *Site) Get(path string, headers ...string) Reply {
	s.T.Helper()
	return s.Do(s.NewClient(), "GET", s.URL(path), "", headers...)
}

// Problem is a problem document as a client reads it.
type Problem struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail"`
	Reason     string `json:"reason"`
	ConnectURL string `json:"connect_url"`
}

// WantProblem fails unless a is that problem, and one that nobody may keep.
func (a Reply) WantProblem(t *testing.T, status int, code string) Problem {
	t.Helper()
	var doc Problem
	if err := json.Unmarshal([]byte(a.Text), &doc); err != nil {
		t.Fatalf("status %d, body %q: %v", a.StatusCode, a.Text, err)
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

// DemoRoutes are directives for a site with all that the plugin has, for the connection demo/auth.
const DemoRoutes = `
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
