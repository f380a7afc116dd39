package e2e

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// zitadelRefreshes is how often the token is refreshed, each time with the
// refresh token that the refresh before has brought.
const zitadelRefreshes = 10

// The server is another certified implementation. It wants the client's secret in
// the header, and the person's password; it refuses a refresh token that was used.
func TestZitadel(t *testing.T) {
	c := newCaddy(t)
	server := startZitadel(t, c)
	c.start(c.caddyfile(fmt.Sprintf(`
		provider zitadel generic {
			client_id     e2e
			client_secret {env.CLIENT_SECRET}
			client_auth   header
			scopes        openid offline_access
			authorize_url %[1]s/auth
			token_url     %[1]s/oauth/token
			revoke_url    %[1]s/revoke
			host api      %[1]s
		}`, server.issuer), `
	token_connect /connect/*
	handle_path /api/* {
		token_proxy zitadel/person
	}`))

	user, _ := url.Parse(server.issuer)
	login := url.Values{"username": {"test-user@" + user.Hostname()}, "password": {"verysecure"}}
	if status := newBrowser(t).connect(c.url("/connect/zitadel/person"), nil, login); status != http.StatusOK {
		t.Fatalf("the consent ended with status %d", status)
	}
	for range zitadelRefreshes {
		c.admin(http.MethodPost, "/token_store/connections/zitadel/person/refresh", nil, http.StatusOK)
	}
	if body := fetch(t, c, "/api/userinfo"); !strings.Contains(body, `"sub":"id1"`) {
		t.Errorf("user info: %s", body)
	}
	// One for the code, and one for each refresh.
	if n := server.tokenRequests.Load(); n != 1+zitadelRefreshes {
		t.Errorf("%d requests to the token endpoint", n)
	}
	if conn := connection(t, c, "zitadel/person"); conn.State != "ready" || conn.Generation != 1+zitadelRefreshes {
		t.Errorf("the connection is %s, in generation %d", conn.State, conn.Generation)
	}
}

type zitadel struct {
	issuer        string
	tokenRequests atomic.Int64
}

func startZitadel(t *testing.T, c *caddyServer) *zitadel {
	t.Helper()
	z := new(zitadel)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" {
			z.tokenRequests.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	z.issuer = server.URL
	storage.RegisterClients(storage.WebClient("e2e", clientSecret, c.url("/connect/callback/zitadel")))
	handler = exampleop.SetupServer(z.issuer, storage.NewStorage(storage.NewUserStore(z.issuer)), slog.New(slog.DiscardHandler), false)
	return z
}
