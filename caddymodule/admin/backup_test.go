package admin_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestAdminRotation(t *testing.T) {
	s, _ := adminServer(t)
	if rec := adminCall(t, adminRequest("PUT", "/connections/acme/a", `{"access_token":"canary"}`)); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if rec := adminCall(t, adminRequest("GET", "/rotation", "")); rec.Code != http.StatusOK || rec.Body.String() != `{"running":false,"checked":0,"resealed":0,"older_keys":0}`+"\n" {
		t.Errorf("before: %d %s", rec.Code, rec.Body)
	}
	if rec := adminCall(t, adminRequest("POST", "/rotation", "")); rec.Code != http.StatusAccepted {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for store.Rotation().Running {
		<-tick.C
	}
	if rec := adminCall(t, adminRequest("GET", "/rotation", "")); !strings.Contains(rec.Body.String(), `"running":false`) || !strings.Contains(rec.Body.String(), `"older_keys":0`) || strings.Contains(rec.Body.String(), `"resealed":0`) {
		t.Errorf("after: %d %s", rec.Code, rec.Body)
	}
}
