package testcaddy

import (
	"fmt"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// NewAcme returns a Caddy that is not loaded yet, a stand-in that runs, and what to load: the providers acme, whose
// connections need a consent, and robot, whose do not, and a site with consent pages. The client's
// id is demo, and its secret demo-canary.
func NewAcme(t *testing.T) (s *Server, server *standin.Server, providers, site string) {
	t.Helper()
	server = standin.New(standin.Options{Clients: []standin.Client{{ID: "demo", Secret: "demo-canary"}}})
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	providers = fmt.Sprintf(`provider acme generic {
			client_id demo
			client_secret demo-canary
			authorize_url %[1]s/oauth2/authorize
			token_url %[1]s/oauth2/token
		}
		provider robot generic {
			grant client_credentials
			client_id demo
			client_secret demo-canary
			token_url %[1]s/oauth2/token
		}`, server.OAuthURL())
	site = fmt.Sprintf("http://localhost:%d {\n\tbind 127.0.0.1\n\ttoken_connect /connect/*\n}", FreePort(t))
	return New(t), server, providers, site
}
