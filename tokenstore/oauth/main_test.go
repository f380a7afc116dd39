package oauth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestMain(m *testing.M) {
	leaktest.VerifyTestMain(m)
}

// What must never come back in an error.
const (
	canarySecret  = "canary-client-secret-7f3a"
	canaryRefresh = "canary-refresh-token-91bc"
	canaryAccess  = "canary-access-token-c04d"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newClient() *oauth.Client {
	return oauth.NewClient(oauth.Options{Now: func() time.Time { return noon }})
}

// recorder is a server that keeps what it was sent.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

type received struct {
	method, path string
	header       http.Header
	body         string
}

func (r *recorder) form(t *testing.T) url.Values {
	t.Helper()
	form, err := url.ParseQuery(r.only(t).body)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// only returns the single request that the server has seen.
func (r *recorder) only(t *testing.T) received {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) != 1 {
		t.Fatalf("the server saw %d requests, want exactly 1", len(r.requests))
	}
	return r.requests[0]
}

func record(t *testing.T, answer http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.requests = append(r.requests, received{req.Method, req.URL.Path, req.Header.Clone(), string(body)})
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func granting(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprint(w, `{"access_token":"A","token_type":"bearer","expires_in":3600,"refresh_token":"R"}`)
}

func endpoint(base string) *oauth.Endpoint {
	return &oauth.Endpoint{
		AuthorizeURL: base + "/authorize",
		TokenURL:     base + "/token",
		RevokeURL:    base + "/revoke",
		ClientID:     "id",
		ClientSecret: secret.New(canarySecret),
	}
}

// outcome tells a result in one line, for tables. A revocation has no answer.
func outcome(a *oauth.Answer, err error) string {
	if err == nil && a == nil {
		return "ok"
	}
	if err == nil {
		return "ok " + tell(a)
	}
	e, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		return fmt.Sprintf("an error of another type: %T", err)
	}
	words := []string{e.Class.String(), e.Reason}
	if e.Code != "" {
		words = append(words, "code="+e.Code)
	}
	if e.RetryAfter != 0 {
		words = append(words, "after="+e.RetryAfter.String())
	}
	if e.InDoubt {
		words = append(words, "in doubt")
	}
	if e.Delivered != nil {
		words = append(words, "delivered "+tell(e.Delivered))
	}
	return strings.Join(words, " ")
}

func tell(a *oauth.Answer) string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+"="+value)
		}
	}
	add("access", a.AccessToken.Reveal())
	add("refresh", a.RefreshToken.Reveal())
	add("type", a.TokenType)
	if !a.ExpiresAt.IsZero() {
		add("in", a.ExpiresAt.Sub(noon).String())
	}
	add("scopes", strings.Join(a.Scopes, "|"))
	add("account", a.Account)
	return strings.Join(words, " ")
}
