package endpoint_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestTokenEndpoint(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	doc := s.Get("/token").WantProblem(t, http.StatusConflict, "consent_needed")
	if doc.Reason != "not_connected" || doc.ConnectURL != s.URL("/connect/demo/auth") {
		t.Errorf("%+v", doc)
	}
	s.Connect("auth")

	token := s.Get("/token")
	if token.StatusCode != http.StatusOK || token.Text == "" || strings.TrimSpace(token.Text) != token.Text {
		t.Fatalf("status %d, body %q", token.StatusCode, token.Text)
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
		a := s.Get("/token", "If-None-Match: *", "Range: bytes=0-1", "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT")
		if a.StatusCode != http.StatusOK || a.Text != token.Text {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		a := s.Get("/token?min_ttl=60", "Accept: application/json")
		var doc struct {
			AccessToken string     `json:"access_token"`
			TokenType   string     `json:"token_type"`
			ExpiresIn   *int64     `json:"expires_in"`
			ExpiresAt   *time.Time `json:"expires_at"`
		}
		if err := json.Unmarshal([]byte(a.Text), &doc); err != nil {
			t.Fatal(err)
		}
		if a.Header.Get("Content-Type") != "application/json" || doc.AccessToken != token.Text || !strings.EqualFold(doc.TokenType, "bearer") {
			t.Errorf("%s: %+v", a.Header.Get("Content-Type"), doc)
		}
		if doc.ExpiresIn == nil || doc.ExpiresAt == nil || *doc.ExpiresIn < 3600 || *doc.ExpiresIn > int64(standin.DefaultAccessLifetime/time.Second) ||
			time.Until(*doc.ExpiresAt) < time.Hour {
			t.Errorf("expires in %v, at %v", doc.ExpiresIn, doc.ExpiresAt)
		}
		if strings.Contains(a.Text, "refresh") {
			t.Errorf("it speaks of a refresh token: %s", a.Text)
		}
	})
	t.Run("by POST", func(t *testing.T) {
		if a := s.Do(s.NewClient(), "POST", s.URL("/token"), "ignored"); a.Text != token.Text {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
		}
	})
	t.Run("the best there is if none lives long enough", func(t *testing.T) {
		if a := s.Get("/token?min_ttl=86400"); a.StatusCode != http.StatusOK || a.Text == "" {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
		}
	})
	t.Run("for a page that is allowed", func(t *testing.T) {
		a := s.Get("/token", "Origin: http://localhost:5173")
		if a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" {
			t.Errorf("status %d, %v", a.StatusCode, a.Header)
		}
	})
	t.Run("a problem can be read by a page that is allowed", func(t *testing.T) {
		a := s.Get("/token?min_ttl=x", "Origin: http://localhost:5173")
		a.WantProblem(t, http.StatusBadRequest, "bad_request")
		if a.Header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" {
			t.Errorf("%v", a.Header)
		}
	})
	t.Run("without anybody's consent", func(t *testing.T) {
		if a := s.Get("/machine"); a.StatusCode != http.StatusOK || a.Text == "" || a.Text == token.Text {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
		}
	})
	t.Run("of a connection that the request names", func(t *testing.T) {
		if a := s.Get("/of/x?user=auth"); a.StatusCode != http.StatusOK || a.Text == "" {
			t.Errorf("status %d, body %q", a.StatusCode, a.Text)
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
		"one that goes through a style sheet":         {path: "/app.css/../token", status: 404, code: "not_found"},
		"one that goes back in disguise":              {path: "/static/%2e%2e/token", status: 404, code: "not_found"},
		"one that goes back in two disguises":         {path: "/static/%252e%252e/files/x", status: 299}, // Caddy itself does not find it
		"one that stays where it is":                  {path: "/files/./token", status: 404, code: "not_found"},
		"one that stays where it is, in disguise":     {path: "/files/%2e/token", status: 404, code: "not_found"},
		"one with an empty segment":                   {path: "/files//token", status: 404, code: "not_found"},
		"one with an escaped slash":                   {path: "/files/x.css%2ftoken", status: 404, code: "not_found"},
		"one with an escaped slash further up":        {path: "/files/x.css%2fa/token", status: 404, code: "not_found"},
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
			a := s.Do(s.NewClient(), method, s.URL(tc.path), "", tc.headers...)
			if a.StatusCode != tc.status || strings.Contains(a.Text, token.Text) {
				t.Errorf("status %d, want %d; body %q", a.StatusCode, tc.status, a.Text)
			}
			if tc.code != "" {
				a.WantProblem(t, tc.status, tc.code)
			}
			if tc.status == 405 && a.Header.Get("Allow") != "GET, POST" {
				t.Errorf("Allow %q", a.Header.Get("Allow"))
			}
		})
	}
	if a, b := s.Get("/of/x?user=nobody"), s.Get("/of/x?user=a%2Fb"); a.Text != b.Text {
		t.Errorf("unknown and malformed connections can be told apart: %q, %q", a.Text, b.Text)
	}
	if strings.Contains(s.Log(), token.Text) {
		t.Error("the token is in the log")
	}
}
