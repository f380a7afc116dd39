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
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

// TestScriptsOfADamagedDatabase runs scripts against a Caddy whose database has a damaged page in the middle of its connections, and of its keys
// of callers.
func TestScriptsOfADamagedDatabase(t *testing.T) {
	runDamaged(t, "testdata/damaged/*.txtar", func(database string) (vars []string) {
		for _, prefix := range []string{"acme/", "key/"} {
			lost, err := damagedpage.Clear(database, damagedpage.Records(prefix))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d of %s are lost", len(lost), prefix)
		}
		return nil
	})
}

// TestScriptsOfAnUnwritableRecord runs scripts against a Caddy in whose database the record of one connection can be read and not be written. Its
// id is in the variable UNWRITABLE.
func TestScriptsOfAnUnwritableRecord(t *testing.T) {
	runDamaged(t, "testdata/unwritable/*.txtar", func(database string) (vars []string) {
		id, err := damagedpage.Mark(database, damagedpage.Records("acme/"))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s is unwritable", id)
		return []string{"UNWRITABLE=" + id}
	})
}

// TestScriptsOfAnUnwritableKeyset runs scripts against a Caddy in whose database a copy of the keyset can be read and not be written.
func TestScriptsOfAnUnwritableKeyset(t *testing.T) {
	runDamaged(t, "testdata/unwritable_keyset/*.txtar", func(database string) (vars []string) {
		if _, err := damagedpage.Mark(database, damagedpage.Records("keyset")); err != nil {
			t.Fatal(err)
		}
		return nil
	})
}

// runDamaged runs scripts against a Caddy whose database has pages full of connections and keys, and is damaged by a function that returns
// variables for the scripts.
func runDamaged(t *testing.T, glob string, damage func(database string) (vars []string)) {
	t.Helper()
	const connections, keys = 100, 100
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
		if err := store.Import(t.Context(), id, tokenstore.Import{AccessToken: "canary", RefreshToken: "canary"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range keys {
		spec := callerkey.Spec{Name: fmt.Sprintf("k%03d", i), Scope: callerkey.Scope{Connections: []string{"acme/c000"}}}
		if _, _, err := store.CallerKeys().Create(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
	}
	stopCaddy(t)
	vars := damage(database)
	loadCaddy(t, adapted)
	run(t, glob, admin, database, server, vars...)
}
