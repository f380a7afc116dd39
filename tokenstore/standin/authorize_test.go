package standin_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

// request is a good authorization request with some parameters changed: pairs
// of name and value, where an empty value leaves the parameter out.
func request(pairs ...string) url.Values {
	v := url.Values{
		"response_type":         {"code"},
		"client_id":             {"demo"},
		"redirect_uri":          {callback},
		"state":                 {"st&te"},
		"scope":                 {"a b"},
		"code_challenge":        {challenge},
		"code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if v.Del(pairs[i]); pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func twice(v url.Values, name string) url.Values {
	v.Add(name, v.Get(name))
	return v
}

func TestWrongAuthorizationRequestsGoBackWithAnErrorOnlyToARegisteredPlace(t *testing.T) {
	const here = "" // no redirect at all
	tests := []struct {
		name    string
		request url.Values
		want    string
	}{
		{"an unknown client stays here", request("client_id", "other"), here},
		{"no client stays here", request("client_id", ""), here},
		{"a repeated client_id stays here", twice(request(), "client_id"), here},
		{"another redirect_uri stays here", request("redirect_uri", "http://evil.test/callback"), here},
		{"a longer redirect_uri stays here", request("redirect_uri", callback+"/x"), here},
		{"a redirect_uri in other case stays here", request("redirect_uri", strings.ToUpper(callback)), here},
		{"a redirect_uri with a query stays here", request("redirect_uri", callback+"?a=b"), here},
		{"a repeated redirect_uri stays here", twice(request(), "redirect_uri"), here},
		{"no response_type is an invalid request", request("response_type", ""), "invalid_request"},
		{"the implicit flow is unsupported", request("response_type", "token"), "unsupported_response_type"},
		{"a repeated state is an invalid request", twice(request(), "state"), "invalid_request"},
		{"a plain challenge is an invalid request", request("code_challenge_method", "plain"), "invalid_request"},
		{"a challenge without method is an invalid request", request("code_challenge_method", ""), "invalid_request"},
		{"a method without challenge is an invalid request", request("code_challenge", ""), "invalid_request"},
		{"a short challenge is an invalid request", request("code_challenge", "short"), "invalid_request"},
		{"an unknown scope is an invalid scope", request("scope", "a c"), "invalid_scope"},
		{"an unknown token_access_type is an invalid request", request("token_access_type", "later"), "invalid_request"},
		{"a public client without PKCE is an invalid request", request("client_id", "public", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"a client that may not use codes is unauthorized", request("client_id", "machine"), "unauthorized_client"},
	}
	s := start(t, standin.Options{
		Scopes: []string{"a", "b"},
		Clients: []standin.Client{
			demo(),
			{ID: "public", RedirectURIs: []string{callback}},
			{ID: "machine", Secret: "x", RedirectURIs: []string{callback}, GrantTypes: []string{"client_credentials"}},
		},
	})
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(tt.name+" by "+method, func(t *testing.T) {
				resp := ask(t, s, method, tt.request)
				if tt.want == here {
					if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" {
						t.Fatalf("status %d, location %q", resp.StatusCode, resp.Header.Get("Location"))
					}
					resp.Body.Close()
					return
				}
				got := landed(t, resp)
				if got.Get("error") != tt.want || got.Get("state") != "st&te" || got.Get("iss") != s.OAuthURL() || got.Has("code") {
					t.Errorf("callback got %v", got)
				}
			})
		}
	}
}

// ask sends an authorization request, by POST with the person's consent.
func ask(t *testing.T, s *standin.Server, method string, v url.Values) *http.Response {
	t.Helper()
	target := s.OAuthURL() + "/oauth2/authorize"
	var resp *http.Response
	var err error
	if method == http.MethodPost {
		v.Set("decision", "allow")
		resp, err = stopping(s).PostForm(target, v)
	} else {
		resp, err = stopping(s).Get(target + "?" + v.Encode())
	}
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestConsentPageShowsTheRequestAndEscapesIt(t *testing.T) {
	s := start(t, standin.Options{Clients: []standin.Client{{
		ID: "demo", Secret: "x", Name: `<b>"Evil" & Co</b>`, RedirectURIs: []string{callback},
	}}})
	resp := ask(t, s, http.MethodGet, request("scope", `files <i>x</i>`, "state", `"><script>`))
	page := body(t, resp)
	for _, want := range []string{"&lt;b&gt;&#34;Evil&#34; &amp; Co&lt;/b&gt;", "<code>files</code>", "&lt;i&gt;x&lt;/i&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	for _, bad := range []string{"<b>", "<i>", "<script"} {
		if strings.Contains(page, bad) {
			t.Errorf("page has %s", bad)
		}
	}
	for name, want := range map[string]string{
		"Cache-Control":   "no-store",
		"Referrer-Policy": "no-referrer",
		"X-Frame-Options": "DENY",
		"Content-Type":    "text/html; charset=utf-8",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page may load things")
	}
}

func TestDenyingSendsAccessDenied(t *testing.T) {
	s := start(t, standin.Options{})
	resp, err := standin.Deny(t.Context(), stopping(s), config(s).AuthCodeURL("x"))
	if err != nil {
		t.Fatal(err)
	}
	got := landed(t, resp)
	if got.Get("error") != "access_denied" || got.Get("state") != "x" || got.Has("code") {
		t.Errorf("callback got %v", got)
	}
}

func TestRedirectURIWithAQueryKeepsIt(t *testing.T) {
	s := start(t, standin.Options{Clients: []standin.Client{{ID: "demo", Secret: "x", RedirectURIs: []string{callback + "?keep=me"}}}})
	got := landed(t, ask(t, s, http.MethodPost, request("redirect_uri", "")))
	if got.Get("keep") != "me" || got.Get("code") == "" {
		t.Errorf("callback got %v", got)
	}
}

func TestThePersonChoosesTheAccount(t *testing.T) {
	ada := standin.Account{ID: "dbid:ada", UID: "1", Name: "Ada", Email: "ada@example.com"}
	bob := standin.Account{ID: "dbid:bob", UID: "2", Name: "Bob", Email: "bob@example.com"}
	s := start(t, standin.Options{Accounts: []standin.Account{ada, bob}})
	tests := []struct {
		name string
		opts []oauth2.AuthCodeOption
		fill url.Values
		want string
	}{
		{"the first is chosen by default", nil, nil, ada.ID},
		{"a login_hint preselects by address", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("login_hint", bob.Email)}, nil, bob.ID},
		{"an unknown login_hint changes nothing", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("login_hint", "x")}, nil, ada.ID},
		{"the person has the last word", nil, url.Values{"account": {bob.ID}}, bob.ID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page, err := s.Client().Get(config(s).AuthCodeURL("x", tt.opts...))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := standin.Submit(t.Context(), stopping(s), page, standin.Button{}, tt.fill)
			if err != nil {
				t.Fatal(err)
			}
			token, err := config(s).Exchange(with(t, s), landed(t, resp).Get("code"))
			if err != nil {
				t.Fatal(err)
			}
			if got := token.Extra("account_id"); got != tt.want {
				t.Errorf("account %v, want %s", got, tt.want)
			}
		})
	}
}

func TestExchangeOfACode(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	tests := []struct {
		name   string
		change func(v url.Values, c *clock)
		want   string // error, or nothing
	}{
		{"a right one gives tokens", func(url.Values, *clock) {}, ""},
		{"just before its time is over it works", func(_ url.Values, c *clock) { c.Advance(time.Minute - 1) }, ""},
		{"after a minute it has expired", func(_ url.Values, c *clock) { c.Advance(time.Minute) }, "invalid_grant"},
		{"a wrong verifier is refused", func(v url.Values, _ *clock) { v.Set("code_verifier", oauth2.GenerateVerifier()) }, "invalid_grant"},
		{"a missing verifier is refused", func(v url.Values, _ *clock) { v.Del("code_verifier") }, "invalid_grant"},
		{"another redirect_uri is refused", func(v url.Values, _ *clock) { v.Set("redirect_uri", callback+"2") }, "invalid_grant"},
		{"a missing redirect_uri is refused", func(v url.Values, _ *clock) { v.Del("redirect_uri") }, "invalid_grant"},
		{"a missing code is an invalid request", func(v url.Values, _ *clock) { v.Del("code") }, "invalid_request"},
		{"an unknown code is refused", func(v url.Values, _ *clock) { v.Set("code", "x") }, "invalid_grant"},
		{"another client is refused", func(v url.Values, _ *clock) { v.Set("client_id", "other") }, "invalid_grant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			s := start(t, standin.Options{Now: c.Now, CodeLifetime: time.Hour, Clients: []standin.Client{
				demo(), {ID: "other", Secret: "s3cr3t", RedirectURIs: []string{callback}},
			}})
			got := consent(t, s, config(s).AuthCodeURL("", oauth2.S256ChallengeOption(verifier)))
			v := url.Values{
				"grant_type": {"authorization_code"}, "code": {got.Get("code")}, "redirect_uri": {callback},
				"code_verifier": {verifier}, "client_id": {"demo"}, "client_secret": {"s3cr3t"},
			}
			tt.change(v, c)
			if _, code := post(t, s, "/oauth2/token", v); code != tt.want {
				t.Errorf("error %q, want %q", code, tt.want)
			}
		})
	}
}

func TestAVerifierWithoutAChallengeIsRefused(t *testing.T) {
	s := start(t, standin.Options{})
	got := consent(t, s, config(s).AuthCodeURL(""))
	_, err := config(s).Exchange(with(t, s), got.Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier()))
	var fail *oauth2.RetrieveError
	if !errors.As(err, &fail) || fail.ErrorCode != "invalid_grant" {
		t.Errorf("error %v", err)
	}
}

func TestAReplayedCodeRevokesWhatCameOfIt(t *testing.T) {
	s := start(t, standin.Options{})
	conf, ctx := config(s), with(t, s)
	code := consent(t, s, conf.AuthCodeURL("")).Get("code")
	token, err := conf.Exchange(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conf.Exchange(ctx, code); err == nil {
		t.Fatal("the code worked twice")
	}
	if f, _ := s.Family(1); !f.Revoked || f.Reason != standin.ReasonCodeReplay {
		t.Errorf("family %+v", f)
	}
	if _, code := refresh(t, s, token.RefreshToken); code != "invalid_grant" {
		t.Errorf("the refresh token lives: %q", code)
	}
	if status, _ := rpc(t, s, token.AccessToken, "users/get_current_account", "null"); status != http.StatusUnauthorized {
		t.Errorf("the access token lives: %d", status)
	}
}

func TestOfflineOnlyIssuesRefreshTokensLikeDropbox(t *testing.T) {
	tests := []struct {
		name, accessType string
		want             bool
	}{
		{"offline gets one", "offline", true},
		{"online gets none", "online", false},
		{"nothing said gets none", "", false},
	}
	s := start(t, standin.Options{OfflineOnly: true})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := request("token_access_type", tt.accessType, "code_challenge", "", "code_challenge_method", "")
			got := landed(t, ask(t, s, http.MethodPost, v))
			token, err := config(s).Exchange(with(t, s), got.Get("code"))
			if err != nil {
				t.Fatal(err)
			}
			if has := token.RefreshToken != ""; has != tt.want {
				t.Errorf("refresh token: %t, want %t", has, tt.want)
			}
		})
	}
}

func TestApproveStopsWhenItsContextEnds(t *testing.T) {
	s := start(t, standin.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := standin.Approve(ctx, s.Client(), config(s).AuthCodeURL("")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
