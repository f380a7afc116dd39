package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// newDropbox starts a stand-in for Dropbox that Caddy c can be a client of.
func newDropbox(t *testing.T, c *caddyServer, o standin.Options) *standin.Server {
	t.Helper()
	o.Clients = []standin.Client{{
		ID: "demo", Secret: clientSecret,
		RedirectURIs: []string{c.url("/connect/callback/dropbox-demo")},
	}}
	return startStandin(t, o)
}

// startStandin runs a stand-in until the end of the test.
func startStandin(t *testing.T, o standin.Options) *standin.Server {
	t.Helper()
	server := standin.New(o)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// dropboxProvider returns the provider dropbox-demo, which is the stand-in, with these
// lines beside those that it needs.
func dropboxProvider(server *standin.Server, lines ...string) string {
	return fmt.Sprintf(`
		provider dropbox-demo dropbox {
			client_id     demo
			client_secret {env.CLIENT_SECRET}
			authorize_url %[1]s/oauth2/authorize
			token_url     %[1]s/oauth2/token
			revoke_url    %[1]s/2/auth/token/revoke
			host api      %[2]s
			host content  %[3]s
			%[4]s
		}`, server.OAuthURL(), server.APIURL(), server.ContentURL(), strings.Join(lines, "\n"))
}

// dropboxSite has every kind of route, for dropbox-demo/auth, and a route of plain Caddy.
const dropboxSite = `
	token_connect  /connect/*
	token_endpoint /token dropbox-demo/auth
	handle_path /dropbox/* {
		token_proxy dropbox-demo/auth
	}
	respond /plain plain`

// importGrant makes a connection of dropbox-demo out of a new grant.
func importGrant(t *testing.T, c *caddyServer, server *standin.Server, name string) standin.Grant {
	t.Helper()
	grant, err := server.IssueGrant("demo")
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"access_token": grant.AccessToken, "refresh_token": grant.RefreshToken,
		"expires_in": int(grant.ExpiresIn.Seconds()),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.admin(http.MethodPut, "/token_store/connections/dropbox-demo/"+name, body, http.StatusOK)
	return grant
}

// connection returns what the admin API tells about a connection.
func connection(t *testing.T, c *caddyServer, id string) (conn adminapi.Connection) {
	t.Helper()
	if err := json.Unmarshal(c.admin(http.MethodGet, "/token_store/connections/"+id, nil, http.StatusOK), &conn); err != nil {
		t.Fatal(err)
	}
	return conn
}
