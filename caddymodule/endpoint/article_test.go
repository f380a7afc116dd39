package endpoint_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// These tests hold what a page relies on that was written for the credential manager of Azure API Management: it
// fetches a URL with a subscription key in it, and takes the text of the answer for the token.

const (
	articlePage = "http://localhost:5173"
	articlePath = "/dropbox-demo/token?subscription-key=0123456789abcdef0123456789abcdef"
)

// newArticleSite has the token at the path of the article, and the API beside it, for pages of
// the origins.
func newArticleSite(t *testing.T, origins string) *testcaddy.Site {
	t.Helper()
	return testcaddy.NewSite(t, articleRoutes(origins))
}

func articleRoutes(origins string) string {
	return fmt.Sprintf(`
		token_connect /connect/*
		token_endpoint /dropbox-demo/token demo/auth {
			allow origin %[1]s
		}
		token_endpoint /of/* demo/{http.request.uri.query.user} {
			allow origin %[1]s
		}
		handle_path /dropbox/* {
			token_proxy demo/auth {
				allow origin %[1]s
			}
		}`, origins)
}

func TestThePageGetsTheBareTokenAsText(t *testing.T) {
	s := newArticleSite(t, articlePage)
	s.Connect("auth")
	a := fetch(s, articlePage, articlePath)
	if a.StatusCode != http.StatusOK {
		t.Errorf("status %d", a.StatusCode)
	}
	if got := a.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	// It goes into a header as it is: a newline or a quote would be one of the token's.
	if a.Text == "" || strings.ContainsAny(a.Text, " \t\r\n\"") {
		t.Errorf("body %q", a.Text)
	}
	// It is what the API takes, from where the page will send it.
	answer := s.Do(s.NewClient(), "POST", s.Standin.APIURL()+"/2/users/get_current_account", "null", "Authorization: Bearer "+a.Text, "Content-Type: application/json")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the API answers %d: %s", answer.StatusCode, answer.Text)
	}
}

func TestTheTokenNeedsNoPreflight(t *testing.T) {
	for _, origins := range []string{articlePage, "*"} {
		t.Run("with allow origin "+origins, func(t *testing.T) {
			s := newArticleSite(t, origins)
			s.Connect("auth")
			if a := fetch(s, articlePage, articlePath); a.StatusCode != http.StatusOK || !isReadable(a, articlePage, false) {
				t.Errorf("status %d, %v", a.StatusCode, a.Header)
			}
		})
	}
}

func TestAnyOriginIsAPageWhereTheSiteSaysSo(t *testing.T) {
	s := newArticleSite(t, "*")
	s.Connect("auth")
	for _, origin := range []string{"http://localhost:5173", "http://localhost:3000", "https://leads.example", "https://user.github.io"} {
		if a := fetch(s, origin, articlePath); a.StatusCode != http.StatusOK || !isReadable(a, origin, false) {
			t.Errorf("%s: status %d, %v", origin, a.StatusCode, a.Header)
		}
	}
}

func TestALackOfTokensCanBeReadByThePage(t *testing.T) {
	for _, origins := range []string{articlePage, "*"} {
		s := newArticleSite(t, origins)
		check := func(name, path string, status int, code string) testcaddy.Problem {
			a := fetch(s, articlePage, path)
			doc := a.WantProblem(t, status, code)
			if !isReadable(a, articlePage, false) {
				t.Errorf("allow origin %s: %s: the page cannot read it: %v", origins, name, a.Header)
			}
			return doc
		}
		doc := check("nobody has consented", articlePath, http.StatusConflict, "consent_needed")
		if doc.ConnectURL != s.URL("/connect/demo/auth") {
			t.Errorf("the page is sent to %q", doc.ConnectURL)
		}
		check("the query makes no sense", articlePath+"&min_ttl=soon", http.StatusBadRequest, "bad_request")
		check("there is no such connection", "/of/x?user=nobody", http.StatusNotFound, "unknown_connection")
		check("the path is a file's", "/of/token.css?user=auth", http.StatusNotFound, "not_found")
		s.Standin.Script(standin.Fault{Path: "/oauth2/token", Times: standin.Always, Status: http.StatusServiceUnavailable})
		s.Connect("auth")
		check("the provider is away", articlePath, http.StatusServiceUnavailable, "unavailable")
	}
}

func TestWhenToComeBackCanBeReadByThePage(t *testing.T) {
	s := newArticleSite(t, articlePage)
	s.Standin.Script(standin.Fault{Path: "/oauth2/token", Times: standin.Always, Status: http.StatusServiceUnavailable})
	s.Connect("auth")
	a := fetch(s, articlePage, articlePath)
	if a.Header.Get("Retry-After") == "" || !strings.Contains(strings.ToLower(a.Header.Get("Access-Control-Expose-Headers")), "retry-after") {
		t.Errorf("status %d, %v", a.StatusCode, a.Header)
	}
}

// The header is none that a page may send unasked.
func TestAPageMaySendTheKeyAsAHeader(t *testing.T) {
	const header = "ocp-apim-subscription-key" // as browsers write it here
	for _, origins := range []string{articlePage, "*"} {
		s := newArticleSite(t, origins)
		for _, tc := range []struct{ name, path, method string }{
			{"to the endpoint", "/dropbox-demo/token", "GET"},
			{"to the API", "/dropbox/2/users/get_current_account", "POST"},
		} {
			if a := askLeave(s, articlePage, tc.path, tc.method, header); !grants(a, articlePage, header) {
				t.Errorf("allow origin %s: %s: status %d, %v", origins, tc.name, a.StatusCode, a.Header)
			}
		}
		s.Connect("auth")
		if a := fetch(s, articlePage, "/dropbox-demo/token", "Ocp-Apim-Subscription-Key: k"); a.StatusCode != http.StatusOK || !isReadable(a, articlePage, false) {
			t.Errorf("allow origin %s: status %d, %v", origins, a.StatusCode, a.Header)
		}
	}
}

func TestTheSubscriptionKeyIsIgnored(t *testing.T) {
	s := newArticleSite(t, articlePage)
	s.Connect("auth")
	want := fetch(s, articlePage, "/dropbox-demo/token")
	if want.StatusCode != http.StatusOK {
		t.Fatalf("status %d, body %q", want.StatusCode, want.Text)
	}
	for _, tc := range []struct {
		name, query string
		headers     []string
	}{
		{name: "a key", query: "?subscription-key=0123456789abcdef0123456789abcdef"},
		{name: "a key that nobody was given", query: "?subscription-key=wrong"},
		{name: "an empty key", query: "?subscription-key="},
		{name: "a key without a value", query: "?subscription-key"},
		{name: "two keys", query: "?subscription-key=one&subscription-key=two"},
		{name: "a key with escapes", query: "?subscription-key=%20%26%00%C3%BC%2B/="},
		{name: "a key that cannot be read", query: "?subscription-key=%zz;a"},
		{name: "a very long key", query: "?subscription-key=" + strings.Repeat("k", 4<<10)},
		{name: "a key in another case", query: "?Subscription-Key=k"},
		{name: "a key and something to heed", query: "?subscription-key=k&min_ttl=60"},
		{name: "a header", headers: []string{"Ocp-Apim-Subscription-Key: 0123456789abcdef0123456789abcdef"}},
		{name: "an empty header", headers: []string{"Ocp-Apim-Subscription-Key: "}},
		{name: "two headers", headers: []string{"Ocp-Apim-Subscription-Key: one", "Ocp-Apim-Subscription-Key: two"}},
		{name: "both, and they differ", query: "?subscription-key=one", headers: []string{"Ocp-Apim-Subscription-Key: two"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := fetch(s, articlePage, "/dropbox-demo/token"+tc.query, tc.headers...); a.StatusCode != http.StatusOK || a.Text != want.Text {
				t.Errorf("status %d, body %q", a.StatusCode, a.Text)
			}
		})
	}
	t.Run("a key brings no other methods", func(t *testing.T) {
		for _, method := range []string{"HEAD", "PUT", "DELETE"} {
			if a := s.Do(s.NewClient(), method, s.URL(articlePath), "", "Origin: "+articlePage); a.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s: status %d", method, a.StatusCode)
			}
		}
	})
	t.Run("a key opens nothing", func(t *testing.T) {
		a := fetch(s, "https://evil.example", articlePath, "Ocp-Apim-Subscription-Key: k")
		a.WantProblem(t, http.StatusForbidden, "origin_not_allowed")
		if a := s.Get(articlePath); a.StatusCode != http.StatusForbidden {
			t.Errorf("a program gets status %d", a.StatusCode)
		}
	})
}

func TestTheSubscriptionKeyStaysHere(t *testing.T) {
	s := newArticleSite(t, articlePage)
	s.Connect("auth")
	s.Standin.ResetJournal()
	a := s.Do(s.NewClient(), "POST", s.URL("/dropbox/2/users/get_current_account?subscription-key=planted-key"), "null",
		"Origin: "+articlePage, "Content-Type: application/json", "Ocp-Apim-Subscription-Key: planted-key")
	if a.StatusCode != http.StatusOK || !isReadable(a, articlePage, false) {
		t.Fatalf("status %d, %v: %s", a.StatusCode, a.Header, a.Text)
	}
	reached := 0
	for _, e := range s.Standin.Journal() {
		if e.Part == standin.PartAPI {
			reached++
		}
		if all := fmt.Sprint(e.Query, e.Header); strings.Contains(all, "planted-key") {
			t.Errorf("it went to %s", e)
		}
	}
	if reached != 1 {
		t.Errorf("the API had %d requests", reached)
	}
}

// A page that sends cookies along would be told apart from others by them, and nothing here looks
// at them: such a page is not shown the token.
func TestCredentialsOfThePageAreNotAllowed(t *testing.T) {
	for _, origins := range []string{articlePage, "*"} {
		t.Run("with allow origin "+origins, func(t *testing.T) {
			s := newArticleSite(t, origins)
			s.Connect("auth")
			omitted, included := fetch(s, articlePage, articlePath), fetch(s, articlePage, articlePath, "Cookie: session=1")
			if omitted.StatusCode != http.StatusOK || !isReadable(omitted, articlePage, false) {
				t.Errorf("omitted: status %d, %v", omitted.StatusCode, omitted.Header)
			}
			preflight := askLeave(s, articlePage, articlePath, "GET", "ocp-apim-subscription-key")
			for name, a := range map[string]testcaddy.Reply{"omitted": omitted, "included": included, "preflight": preflight} {
				if isReadable(a, articlePage, true) || a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: %v", name, a.Header)
				}
			}
			if got := included.Header.Values("Set-Cookie"); len(got) > 0 {
				t.Errorf("Set-Cookie %q", got)
			}
		})
	}
}

func TestAllowingEveryOriginIsWarnedOfOnceInEachLoad(t *testing.T) {
	const endpoint = "token_endpoint /dropbox-demo/token demo/auth {\n allow origin *\n}"
	s := testcaddy.NewSite(t, endpoint)
	warnings := func() int { return strings.Count(s.Log(), "lets every web page use this connection") }
	for range 3 {
		fetch(s, articlePage, articlePath)
	}
	if got := warnings(); got != 1 {
		t.Errorf("%d warnings", got)
	}
	s.Reload(endpoint)
	fetch(s, articlePage, articlePath)
	if got := warnings(); got != 2 {
		t.Errorf("%d warnings after a reload", got)
	}
}
