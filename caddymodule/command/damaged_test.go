package command_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// TestScriptsOfADamagedDatabase runs scripts against a Caddy whose database has a damaged page of connections in its middle.
func TestScriptsOfADamagedDatabase(t *testing.T) {
	const connections = 100
	admin := "127.0.0.1:" + strconv.Itoa(testcaddy.FreePort(t))
	server, database, adapted := prepareCaddy(t, admin)
	loadCaddy(t, adapted)
	t.Cleanup(func() { stopCaddy(t) })
	app, err := tokenapp.From(caddy.ActiveContext())
	if err != nil {
		t.Fatal(err)
	}
	store, err := app.Store()
	if err != nil {
		t.Fatal(err)
	}
	for i := range connections {
		id := tokenstore.ID{Provider: "acme", Name: fmt.Sprintf("c%03d", i)}
		if err := store.Import(t.Context(), id, tokenstore.Import{AccessToken: "canary"}); err != nil {
			t.Fatal(err)
		}
	}
	stopCaddy(t)
	lost, err := damagedpage.Clear(database, damagedpage.Records("acme/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d connections are lost", len(lost), connections)
	loadCaddy(t, adapted)
	run(t, "testdata/damaged/*.txtar", admin, database, server)
}
