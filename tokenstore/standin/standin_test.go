package standin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestMain(m *testing.M) {
	leaktest.VerifyTestMain(m)
}

const callback = "http://127.0.0.1:1/callback"

func demo() standin.Client {
	return standin.Client{ID: "demo", Secret: "s3cr3t", Name: "Demo", RedirectURIs: []string{callback}}
}

// clock is a clock that only moves when it is told to.
type clock struct{ now time.Time }

func newClock() *clock                   { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }
func (c *clock) Now() time.Time          { return c.now }
func (c *clock) Advance(d time.Duration) { c.now = c.now.Add(d) }

// start runs a server with the client demo until the test ends.
func start(t *testing.T, o standin.Options) *standin.Server {
	t.Helper()
	if o.Clients == nil {
		o.Clients = []standin.Client{demo()}
	}
	s := standin.New(o)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// config is that of the client demo in golang.org/x/oauth2.
func config(s *standin.Server) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     "demo",
		ClientSecret: "s3cr3t",
		RedirectURL:  callback,
		Endpoint: oauth2.Endpoint{
			AuthURL:   s.OAuthURL() + "/oauth2/authorize",
			TokenURL:  s.OAuthURL() + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// with makes x/oauth2 use the server's own HTTP client.
func with(t *testing.T, s *standin.Server) context.Context {
	return context.WithValue(t.Context(), oauth2.HTTPClient, s.Client())
}

// stopping returns the server's client, but it stops at the callback.
func stopping(s *standin.Server) *http.Client {
	c := *s.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// consent walks through the consent page and returns what the callback gets.
func consent(t *testing.T, s *standin.Server, authorizeURL string) url.Values {
	t.Helper()
	resp, err := standin.Approve(t.Context(), stopping(s), authorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	return landed(t, resp)
}

func landed(t *testing.T, resp *http.Response) url.Values {
	t.Helper()
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want 303 to the callback", resp.StatusCode)
	}
	location, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(location.String(), callback) {
		t.Fatalf("sent to %s", location)
	}
	return location.Query()
}

func TestAuthorizationCodeFlowOfAnOrdinaryClient(t *testing.T) {
	s := start(t, standin.Options{Rotation: standin.RotateAlways})
	conf, ctx := config(s), with(t, s)
	conf.Scopes = []string{"files.content.read"}
	verifier := oauth2.GenerateVerifier()
	got := consent(t, s, conf.AuthCodeURL("some state", oauth2.S256ChallengeOption(verifier)))
	if got.Get("state") != "some state" || got.Get("iss") != s.OAuthURL() {
		t.Errorf("callback got %v", got)
	}
	token, err := conf.Exchange(ctx, got.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if token.AccessToken == "" || token.RefreshToken == "" || token.Type() != "Bearer" || token.ExpiresIn != 14400 {
		t.Errorf("token %+v", token)
	}
	if token.Extra("scope") != "files.content.read" || token.Extra("account_id") == "" || token.Extra("uid") == "" {
		t.Errorf("extra members are missing")
	}
	refreshed, err := conf.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if refreshed.RefreshToken == token.RefreshToken || refreshed.AccessToken == token.AccessToken {
		t.Error("nothing was rotated")
	}
	if status, generation := s.RefreshStatus(refreshed.RefreshToken); status != standin.RefreshLive || generation != 2 {
		t.Errorf("status %v, generation %d", status, generation)
	}
}

func TestClientCredentialsFlowOfAnOrdinaryClient(t *testing.T) {
	s := start(t, standin.Options{})
	conf := clientcredentials.Config{ClientID: "demo", ClientSecret: "s3cr3t", TokenURL: s.OAuthURL() + "/oauth2/token", Scopes: []string{"x"}}
	token, err := conf.Token(with(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if token.RefreshToken != "" || token.Extra("scope") != "x" || token.Extra("account_id") != nil {
		t.Errorf("token %+v", token)
	}
	if len(s.Families()) != 0 {
		t.Error("client credentials made a family")
	}
}

// refresh returns what an ordinary client gets, and the OAuth error code.
func refresh(t *testing.T, s *standin.Server, token string) (*oauth2.Token, string) {
	t.Helper()
	got, err := config(s).TokenSource(with(t, s), &oauth2.Token{RefreshToken: token}).Token()
	if fail, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nil, fail.ErrorCode
	}
	if err != nil {
		t.Fatal(err)
	}
	return got, ""
}

func issue(t *testing.T, s *standin.Server, scopes ...string) standin.Grant {
	t.Helper()
	g, err := s.IssueGrant("demo", scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// body reads and closes the body of a response.
func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
