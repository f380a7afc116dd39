package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// adminCall sends a request to the routes as Caddy's admin endpoint does, and
// answers an error as it does.
func adminCall(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	module, err := caddy.GetModule("admin.api.token_store")
	if err != nil {
		t.Fatal(err)
	}
	router := module.New().(caddy.AdminRouter)
	for _, route := range router.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			err := route.Handler.ServeHTTP(w, r)
			if err == nil {
				return
			}
			apiErr, ok := err.(caddy.APIError) //nolint:errorlint // Caddy does it like this, so it must not be wrapped
			if !ok {
				t.Errorf("%s %s: the error is a %T, and Caddy would send its text", r.Method, r.URL, err)
			}
			w.WriteHeader(apiErr.HTTPStatus)
			_ = json.NewEncoder(w).Encode(apiErr)
		})
	}
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, r)
	if strings.Contains(rec.Body.String(), "canary") || strings.Contains(rec.Body.String(), "standin-") {
		t.Errorf("%s %s: the answer holds a secret: %s", r.Method, r.URL, rec.Body)
	}
	if cache := rec.Header().Get("Cache-Control"); rec.Code < 300 && cache != "no-store" {
		t.Errorf("%s %s: Cache-Control is %q", r.Method, r.URL, cache)
	}
	return rec
}

func adminRequest(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, "http://localhost:2019/token_store"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// adminServer runs a Caddy with the providers acme and robot, and a consent page.
func adminServer(t *testing.T) (*testcaddy.Server, *standin.Server) {
	t.Helper()
	s, server, providers, site := testcaddy.NewAcme(t)
	s.MustLoad(providers, site)
	return s, server
}

func TestAdminAnswers(t *testing.T) {
	_, server := adminServer(t)
	revoked, err := server.IssueGrant("demo")
	if err != nil {
		t.Fatal(err)
	}
	server.RevokeFamily(revoked.Family)

	const a, grant = "/connections/acme/a", `{"access_token":"canary"}`
	steps := []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"a new store is ready", "GET", "/ready", "", 200, `{"ready":true}`},
		{"a new store has no connections", "GET", "/connections", "", 200, `{"connections":[]}`},
		{"providers are told in the order of the configuration", "GET", "/providers", "", 200,
			`{"providers":[{"name":"acme","preset":"generic","grant":"authorization_code"},{"name":"robot","preset":"generic","grant":"client_credentials"}]}`},

		{"an import makes a connection", "PUT", a, grant, 200, `"id":"acme/a","provider":"acme","name":"a","state":"ready","generation":1`},
		{"another import is its next generation", "PUT", a, grant, 200, `"generation":2`},
		{"a connection is shown", "GET", a, "", 200, `"generation":2`},
		{"a name is unescaped once", "PUT", "/connections/acme/" + url.PathEscape("ü@x+y"), grant, 200, `"name":"ü@x+y"`},
		{"a name that was escaped twice is another, and invalid", "GET", "/connections/acme/a%2520", "", 400, "the connection's id is invalid"},
		{"a slash in a name is invalid", "GET", "/connections/acme/a%2Fb", "", 400, "the connection's id is invalid"},
		{"dots as a name are invalid", "GET", "/connections/acme/%2e%2e", "", 400, "the connection's id is invalid"},
		{"a provider's name in upper case is invalid", "GET", "/connections/ACME/a", "", 400, "the connection's id is invalid"},
		{"an unknown connection", "GET", "/connections/acme/b", "", 404, "there is no such connection"},
		{"an unknown provider", "PUT", "/connections/other/a", grant, 404, "its provider is not configured"},

		{"an unknown member is refused", "PUT", a, `{"access_token":"canary","canary":1}`, 400, "unknown member"},
		{"a token with spaces is refused", "PUT", a, `{"access_token":"canary canary"}`, 422, "the import is invalid"},
		{"a body beyond all measure is refused", "PUT", a, `{"access_token":"canary","scope":"` + strings.Repeat("x ", adminapi.MaxGrant) + `"}`, 413, "at most 64 KiB"},
		{"what was refused changed nothing", "GET", a, "", 200, `"generation":2`},

		{"a page may be small", "GET", "/connections?limit=1", "", 200, `"next":"acme/a"}`},
		{"a page goes on behind another", "GET", "/connections?limit=1&after=acme/a", "", 200, `"name":"ü@x+y"`},
		{"a page may be of one provider", "GET", "/connections?provider=robot", "", 200, `{"connections":[]}`},
		{"a provider that cannot be is refused", "GET", "/connections?provider=../x", "", 400, "invalid"},
		{"a page without connections is refused", "GET", "/connections?limit=0", "", 400, "from 1 to 1000"},
		{"a page that is too long is refused", "GET", "/connections?limit=1001", "", 400, "from 1 to 1000"},
		{"a page's limit must be a number", "GET", "/connections?limit=x", "", 400, "from 1 to 1000"},

		{"a connection without a refresh token cannot be refreshed", "POST", a + "/refresh", "", 409, "make a login link"},
		{"a grant that is gone is imported", "PUT", "/connections/acme/gone", `{"refresh_token":"` + revoked.RefreshToken + `"}`, 200, `"has_refresh_token":true`},
		{"a grant that is gone cannot be refreshed", "POST", "/connections/acme/gone/refresh", "", 409, "make a login link"},
		{"a connection that does not exist cannot be refreshed", "POST", "/connections/acme/b/refresh", "", 404, "no such connection"},
		{"client credentials need no connection beforehand", "POST", "/connections/robot/x/refresh", "", 200, `"state":"ready"`},

		{"a login link is for a connection that may not exist yet", "POST", "/connections/acme/new/login_link", "", 200, `/connect/acme/new?ticket=`},
		{"client credentials need no login link", "POST", "/connections/robot/x/login_link", "", 409, "needs nobody's consent"},
		{"an unknown provider has no login link", "POST", "/connections/other/x/login_link", "", 404, "not configured"},

		{"a connection is deleted", "DELETE", a, "", 204, ""},
		{"and then it is gone", "DELETE", a, "", 404, "there is no such connection"},
		{"another method is refused", "PATCH", a, "", 405, ""},
	}
	for _, step := range steps {
		rec := adminCall(t, adminRequest(step.method, step.path, step.body))
		if rec.Code != step.status || !strings.Contains(rec.Body.String(), step.says) {
			t.Errorf("%s: %d %s\nwant %d %s", step.name, rec.Code, rec.Body, step.status, step.says)
		}
	}
}

func TestAdminTakesNoFormAsImport(t *testing.T) {
	adminServer(t)
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/plain; a=application/json"} {
		r := adminRequest("PUT", "/connections/acme/a", `{"access_token":"canary"}`)
		r.Header.Set("Content-Type", contentType)
		if rec := adminCall(t, r); rec.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d %s", contentType, rec.Code, rec.Body)
		}
	}
	r := adminRequest("PUT", "/connections/acme/a", `{"access_token":"canary"}`)
	r.Header.Set("Content-Type", "Application/JSON; charset=utf-8")
	if rec := adminCall(t, r); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestAdminLoginLinkLeadsToTheConsentPageOnce(t *testing.T) {
	s, _ := adminServer(t)
	rec := adminCall(t, adminRequest("POST", "/connections/acme/new/login_link", ""))
	var link adminapi.LoginLink
	if err := json.Unmarshal(rec.Body.Bytes(), &link); err != nil {
		t.Fatal(err)
	}
	page, err := url.Parse(link.URL)
	if err != nil || page.Hostname() != "localhost" {
		t.Fatalf("link %q, error %v", link.URL, err)
	}
	if left := time.Until(link.ExpiresAt); left < time.Minute || left > time.Hour {
		t.Errorf("the link expires in %s", left)
	}
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	id, ticket := testcaddy.ID("acme/new"), page.Query().Get("ticket")
	if err := store.RedeemTicket(t.Context(), id, ticket); err != nil {
		t.Errorf("the ticket is not accepted: %v", err)
	}
	if err := store.RedeemTicket(t.Context(), id, ticket); err == nil {
		t.Error("the ticket is accepted twice")
	}
}

func TestAdminWithoutATokenStore(t *testing.T) {
	testcaddy.New(t)
	if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/connections", "/providers", "/connections/acme/a"} {
		if rec := adminCall(t, adminRequest("GET", path, "")); rec.Code != 404 || !strings.Contains(rec.Body.String(), "add a token_store block") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if rec := adminCall(t, adminRequest("GET", "/ready", "")); rec.Code != 503 || !strings.Contains(rec.Body.String(), `"ready":false`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestAdminWithoutAConsentPage(t *testing.T) {
	s := testcaddy.New(t)
	s.MustLoad("provider dropbox-demo dropbox {\n client_id demo\n}", "")
	rec := adminCall(t, adminRequest("POST", "/connections/dropbox-demo/a/login_link", ""))
	if rec.Code != 409 || !strings.Contains(rec.Body.String(), "add token_connect to a site") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
