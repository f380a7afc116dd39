package admin_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
)

func TestAdminBackup(t *testing.T) {
	s, _ := adminServer(t)
	if rec := adminCall(t, adminRequest("PUT", "/connections/acme/a", `{"access_token":"canary"}`)); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for range 2 { // one after the other
		rec := adminCall(t, adminRequest("POST", "/backup", "")) // which looks for the token in it
		if rec.Code != http.StatusOK {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		result := rec.Result()
		snapshot, err := adminapi.ReadBackup(result)
		if err != nil {
			t.Fatal(err)
		}
		made, err := custody.Save(t.Context(), filepath.Join(t.TempDir(), "backup.db"), snapshot, nil)
		if err != nil {
			t.Fatal(err)
		}
		if made.Content.Records < 2 || made.Content.Damaged != 0 {
			t.Errorf("%+v", made)
		}
		if err := result.Body.Close(); err != nil {
			t.Error(err)
		}
	}

	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	open, err := store.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rec := adminCall(t, adminRequest("POST", "/backup", ""))
	if rec.Code != http.StatusConflict || !strings.Contains(rec.Body.String(), "another backup is being made") {
		t.Errorf("beside another one: %d %s", rec.Code, rec.Body)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
	if rec := adminCall(t, adminRequest("GET", "/backup", "")); rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", rec.Code)
	}
}
