package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
)

func TestAdminKeys(t *testing.T) {
	s, _ := adminServer(t)
	const least = `{"name":"least","connections":["acme/a"]}`
	steps := []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"there are no keys", "GET", "/keys", "", 200, `{"keys":[]}`},
		{"a key is made", "POST", "/keys", least, 201, `"state":"valid","connections":["acme/a"],"created_at":`},
		{"a name is used once", "POST", "/keys", least, 409, "revoke it first"},
		{"a key may be restricted, and expire", "POST", "/keys",
			`{"name":"all","connections":["acme/*"],"methods":["GET"],"paths":["/2/*"],"origins":["https://app.example.com"],"expires_in":3600}`, 201, `"expires_at":`},
		{"keys are told in the order of their names", "GET", "/keys", "", 200,
			`{"keys":[{"name":"all"`},
		{"a provider that is not configured", "POST", "/keys", `{"name":"x","connections":["acne/a"]}`, 422, `connection \"acne/a\": its provider is not configured`},
		{"all of a provider that is not configured", "POST", "/keys", `{"name":"x","connections":["acme/a","acne/*"]}`, 422, `its provider is not configured`},
		{"a connection that cannot be", "POST", "/keys", `{"name":"x","connections":["acme"]}`, 422, "write provider/connection"},
		{"no connection", "POST", "/keys", `{"name":"x"}`, 422, "name at least one"},
		{"a name that cannot be", "POST", "/keys", `{"name":"X","connections":["acme/a"]}`, 422, "lower-case letters"},
		{"a key that has expired already", "POST", "/keys", `{"name":"x","connections":["acme/a"],"expires_in":0}`, 422, "in the future"},
		{"an unknown member", "POST", "/keys", `{"name":"x","connections":["acme/a"],"path":["/"]}`, 400, "unknown member"},
		{"a body beyond all measure", "POST", "/keys", `{"name":"` + strings.Repeat("x", adminapi.MaxNewKey) + `"}`, 413, "at most 64 KiB"},
		{"a key is not made by its name", "POST", "/keys/x", least, 405, ""},
		{"a key is revoked", "DELETE", "/keys/least", "", 204, ""},
		{"and then it is gone", "DELETE", "/keys/least", "", 404, "there is no key of that name"},
		{"a name that cannot be is no key's", "DELETE", "/keys/%2e%2e%2F", "", 404, "there is no key of that name"},
		{"a name is free again", "POST", "/keys", least, 201, `"name":"least"`},
	}
	var keys []string
	for _, step := range steps {
		rec := adminCall(t, adminRequest(step.method, step.path, step.body))
		if rec.Code != step.status || !strings.Contains(rec.Body.String(), step.says) {
			t.Errorf("%s: %d %s\nwant %d %s", step.name, rec.Code, rec.Body, step.status, step.says)
		}
		for _, key := range keys {
			if strings.Contains(rec.Body.String(), key) {
				t.Errorf("%s: a key is told again", step.name)
			}
		}
		if rec.Code == http.StatusCreated {
			var made adminapi.CreatedKey
			if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, made.Secret.Reveal())
		}
	}
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "all", "least"} {
		if id, ok := store.CallerKeys().Find(keys[i]); ok != (want != "") || id.Name != want {
			t.Errorf("found %+v, %t; want %q", id, ok, want)
		}
	}
	for _, key := range keys {
		if strings.Contains(s.Log(), key[15:]) {
			t.Error("a key is in the log")
		}
	}
	if id, _ := store.CallerKeys().Find(keys[1]); time.Until(id.ExpiresAt) < 59*time.Minute || len(id.Scope.Origins) != 1 {
		t.Errorf("found %+v", id)
	}
}

func TestAdminTakesNoFormAsKey(t *testing.T) {
	adminServer(t)
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		r := adminRequest("POST", "/keys", `{"name":"a","connections":["acme/a"]}`)
		r.Header.Set("Content-Type", contentType)
		if rec := adminCall(t, r); rec.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d %s", contentType, rec.Code, rec.Body)
		}
	}
}
