package durability

import (
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// newStandin starts an authorization server of which each refresh token is good for one use, and
// which revokes a grant when one is used again after its grace.
func newStandin(t *testing.T, grace time.Duration) *standin.Server {
	t.Helper()
	server := standin.New(standin.Options{
		Rotation: standin.RotateAlways, Grace: grace,
		Clients: []standin.Client{{ID: "demo-client", Secret: "demo-secret"}},
	})
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

// importStep returns the step that gives a new grant to the connection, and the grant's family.
func importStep(t *testing.T, server *standin.Server, id tokenstore.ID) (step string, family int) {
	t.Helper()
	g, err := server.IssueGrant("demo-client")
	if err != nil {
		t.Fatal(err)
	}
	return "import " + id.String() + " " + g.AccessToken + " " + g.RefreshToken, g.Family
}
