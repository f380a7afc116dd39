package forward

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// testProvider is a provider with two hosts, "api" under a base path and "content".
func testProvider(t testing.TB, apiURL, contentURL string) *tokenstore.Provider {
	t.Helper()
	p, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
		Name: "demo", ClientID: "id", ClientSecret: secret.New("client-secret"),
		AuthorizeURL: "http://127.0.0.1:1/authorize", TokenURL: "http://127.0.0.1:1/token",
		Hosts: []tokenstore.HostConfig{
			{Name: "api", URL: apiURL},
			{Name: "content", URL: contentURL, Paths: []string{"/2/files/upload", "/2/raw/*"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serverContext makes r look as a request does within Caddy's server.
func serverContext(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{})
	orig := *r
	return r.WithContext(context.WithValue(ctx, caddyhttp.OriginalRequestCtxKey, orig))
}

// startOne calls startForward as the guard does, for the connection demo/one.
func startOne(r *http.Request, p *tokenstore.Provider, pass bool) error {
	asked := r.URL.EscapedPath()
	host, rest := p.HostFor(asked)
	return startForward(r, &forwarding{id: tokenstore.ID{Provider: "demo", Name: "one"}, provider: p, pass: pass, asked: asked, host: host}, rest)
}

func TestStartForwardPicksTheHost(t *testing.T) {
	p := testProvider(t, "https://api.example.com/v1", "https://content.example.com:8443")
	for _, tc := range []struct{ name, target, path, dial string }{
		{"the first host is the default", "/2/files/list", "/v1/2/files/list", "api.example.com:443"},
		{"the first segment names a host", "/content/2/files/list", "/2/files/list", "content.example.com:8443"},
		{"a host's name alone is its root", "/content", "/", "content.example.com:8443"},
		{"a path belongs to a host", "/2/files/upload", "/2/files/upload", "content.example.com:8443"},
		{"a pattern belongs to a host", "/2/raw/x/y", "/2/raw/x/y", "content.example.com:8443"},
		{"a name must be the whole segment", "/contents/x", "/v1/contents/x", "api.example.com:443"},
		{"the root stays below the base path", "/", "/v1/", "api.example.com:443"},
		{"escapes stay as they were written", "/a%20b%c3%a9/%3fx%3D", "/v1/a%20b%c3%a9/%3fx%3D", "api.example.com:443"},
		{"a percent sign may be a percent sign", "/100%25", "/v1/100%25", "api.example.com:443"},
		{"an absolute target does not choose the server", "http://evil.example/x", "/v1/x", "api.example.com:443"},
		{"dots may stand in names", "/a..b/...", "/v1/a..b/...", "api.example.com:443"},
		{"signs stay as they were written", "/users('a')/*!", "/v1/users('a')/*!", "api.example.com:443"},
		{"so do their escapes", "/users(%27a')/%2A", "/v1/users(%27a')/%2A", "api.example.com:443"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := serverContext(httptest.NewRequest("GET", tc.target, nil))
			id := tokenstore.ID{Provider: "demo", Name: "one"}
			if err := startOne(r, p, true); err != nil {
				t.Fatal(err)
			}
			f := forwardingOf(r.Context())
			if f == nil || f.id != id || !f.pass || f.provider != p {
				t.Fatalf("forwarding is %+v", f)
			}
			if got := r.URL.EscapedPath(); got != tc.path {
				t.Errorf("path is %s, not %s", got, tc.path)
			}
			if r.URL.Host != "" || r.URL.Scheme != "" {
				t.Errorf("the URL still has %s://%s", r.URL.Scheme, r.URL.Host)
			}
			if got := caddyhttp.GetVar(r.Context(), upstreamVar+"demo"); got != tc.dial {
				t.Errorf("dial address is %v, not %s", got, tc.dial)
			}
		})
	}
}

func TestStartForwardRefusesAmbiguousPaths(t *testing.T) {
	p := testProvider(t, "https://api.example.com/v1", "https://content.example.com")
	for _, target := range []string{
		"/..", "/../x", "/x/..", "/x/../y", "/%2e%2e/x", "/%2E./x", "/.%2e/x", "/x/%2e%2e",
		"/..;/x", "/..;a=b/x", "/%2e%2e;/x", "/..%3b/x", "/..%3B/x",
		"/..%2fx", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", `/..\x`, `/a\b`,
		"/%00x", "/x%00", "/%0ax", "/%0Ax", "/%0dx", "/%0D%0Ax", "/%7f", "/%1f",
		"/%252e%252e/x", "/%252E%252E/x", "/%25%32%65%25%32%65/x", "/%252fx", "/%255cx", "/%2500", "/%250a", "/%250d",
		"/%25252e%25252e/x", "/%2525252e%2525252e/x", "/%252525252525252e",
		"/%25zz/%252e%252e/x", "/%zz", "/%", "/%2", "/100%",
		"/%ff", "/%c0%ae%c0%ae/x", "/%c0%af",
		"/x#y", "/#/../x", "/x?a=b#c",
		"//x", "/x//", "///", "/./x", "/x/.", "/%2e/x", "/.;a/x",
		"", "*", "x", "x:y", "http:x", "?x",
	} {
		t.Run(target, func(t *testing.T) {
			r := &http.Request{Method: "GET", Header: http.Header{}, RequestURI: target}
			path, query, _ := strings.Cut(target, "?")
			r.URL = &url.URL{Path: path, RawPath: path, RawQuery: query}
			if decoded, err := url.PathUnescape(path); err == nil {
				r.URL.Path = decoded
			}
			r = serverContext(r)
			before := *r.URL
			if err := startOne(r, p, false); !errors.Is(err, errForwardPath) {
				t.Errorf("error is %v", err)
			}
			if *r.URL != before || forwardingOf(r.Context()) != nil {
				t.Error("the request was changed")
			}
		})
	}
}

func TestStartForwardLooksAtWhatArrived(t *testing.T) {
	p := testProvider(t, "https://api.example.com", "https://content.example.com")
	r := serverContext(httptest.NewRequest("GET", "/x/../demo/files", nil))
	r.URL.Path, r.URL.RawPath = "/files", "" // what a prefix that was stripped leaves
	if err := startOne(r, p, false); !errors.Is(err, errForwardPath) {
		t.Errorf("error is %v", err)
	}
}

func TestStartForwardLooksAtThePrefixThatWasStripped(t *testing.T) {
	p := testProvider(t, "https://api.example.com", "https://content.example.com")
	for _, tc := range []struct {
		name, target, left string
		refused            bool
	}{
		{"as it is in the configuration", "/demo/files", "/files", false},
		{"in capitals, which Caddy takes for the same", "/DEMO/files", "/files", false},
		{"with a needless escape", "/%64emo/files", "/files", true},
		{"with a needless escape at its end", "/dem%6F/files", "/files", true},
		{"with an escape that has to be", "/d%C3%A9mo%20x/files", "/files", false},
		{"with an escape of a sign, which some clients write", "/%40demo/files", "/files", false},
		{"the needless escape is behind it", "/demo/%66iles", "/files", false},
		{"none", "/%66iles", "/files", false},
		{"the path is another one altogether", "/%64emo/x", "/files", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := serverContext(httptest.NewRequest("GET", tc.target, nil))
			r.URL.Path, r.URL.RawPath = tc.left, ""
			err := startOne(r, p, false)
			if errors.Is(err, errForwardPath) != tc.refused {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestDestinationRefusesAURLWithoutAPath(t *testing.T) {
	p := testProvider(t, "https://api.example.com/v1", "https://content.example.com")
	r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "api.example.com", Path: "/v1", Opaque: "/v2/admin"}}
	if _, _, err := destination(r, p); !errors.Is(err, errRefusedHost) {
		t.Errorf("error is %v", err)
	}
}
