package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

// ask sends a request whose answer is JSON and of status 200.
func ask(t *testing.T, method, path, body string, into any) {
	t.Helper()
	rec := adminCall(t, adminRequest(method, path, body))
	if rec.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
	}
}

func TestListsOfADamagedDatabase(t *testing.T) {
	const connections, keys = 100, 100
	s, _, providers, site := testcaddy.NewAcme(t)
	s.MustLoad(providers, site)
	var all []string
	for i := range connections {
		id := fmt.Sprintf("acme/c%03d", i)
		all = append(all, id)
		ask(t, "PUT", "/connections/"+id, `{"access_token":"canary"}`, new(adminapi.Connection))
	}
	var whole adminapi.Connections
	if ask(t, "GET", "/connections", "", &whole); whole.Incomplete != "" || len(whole.Connections) != connections {
		t.Errorf("before: %d connections, %q", len(whole.Connections), whole.Incomplete)
	}
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		spec := callerkey.Spec{Name: fmt.Sprintf("k%03d", i), Scope: callerkey.Scope{Connections: []string{"acme/*"}}}
		if _, _, err := store.CallerKeys().Create(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
	}
	var wholeKeys adminapi.Keys
	if ask(t, "GET", "/keys", "", &wholeKeys); wholeKeys.Incomplete != "" || len(wholeKeys.Keys) != keys {
		t.Errorf("before: %d keys, %q", len(wholeKeys.Keys), wholeKeys.Incomplete)
	}
	s.Stop()
	lostKeys, err := damagedpage.Clear(s.Database(), damagedpage.Records("key/"))
	if err != nil {
		t.Fatal(err)
	}
	lost, err := damagedpage.Clear(s.Database(), damagedpage.Records("acme/"))
	if err != nil {
		t.Fatal(err)
	}
	s.MustLoad(providers, site)

	for _, query := range []string{"?limit=1000", "?limit=1000&provider=acme", "?limit=100"} {
		var page adminapi.Connections
		ask(t, "GET", "/connections"+query, "", &page)
		var listed []string
		for _, c := range page.Connections {
			listed = append(listed, c.ID)
		}
		want := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(lost, id) })
		t.Logf("%s: %d of %d are listed: %s", query, len(listed), connections, page.Incomplete)
		if !slices.Equal(listed, want) || !strings.Contains(page.Incomplete, "caddy token-store recover") {
			t.Errorf("%s: listed %q, want %q; incomplete: %q", query, listed, want, page.Incomplete)
		}
	}
	var left adminapi.Keys
	if ask(t, "GET", "/keys", "", &left); len(left.Keys) != keys-len(lostKeys) || left.Incomplete != adminapi.Incomplete {
		t.Errorf("%d of %d keys are listed, %d are lost; incomplete: %q", len(left.Keys), keys, len(lostKeys), left.Incomplete)
	}
	var other adminapi.Connections
	if ask(t, "GET", "/connections?provider=robot", "", &other); len(other.Connections) != 0 {
		t.Errorf("of another provider: %+v", other)
	}
}
