package adminapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestConnectionAsJSON(t *testing.T) {
	zone := time.FixedZone("", 3600)
	tests := []struct {
		name   string
		status tokenstore.Status
		want   string
	}{
		{"a connection that is well",
			tokenstore.Status{
				ID: tokenstore.ID{Provider: "dropbox", Name: "a"}, State: tokenstore.StateReady, Generation: 3,
				TokenType: "bearer", Scopes: []string{"x"}, Account: "me", CreatedAt: now.In(zone), ExpiresAt: inAnHour,
				HasRefreshToken: true, Refresh: tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive, Period: time.Hour},
			},
			`{"id":"dropbox/a","provider":"dropbox","name":"a","state":"ready","generation":3,"token_type":"bearer","scopes":["x"],"account":"me","created_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-02T04:04:05Z","has_refresh_token":true,"refresh":"keep_alive 1h0m0s"}`},
		{"a connection whose record is damaged",
			tokenstore.Status{ID: tokenstore.ID{Provider: "dropbox", Name: "a"}, Damaged: true},
			`{"id":"dropbox/a","provider":"dropbox","name":"a","state":"damaged","generation":0,"has_refresh_token":false}`},
		{"a connection whose record can be read and not be changed",
			tokenstore.Status{
				ID: tokenstore.ID{Provider: "dropbox", Name: "a"}, Damaged: true, Unwritable: true,
				Generation: 3, ExpiresAt: inAnHour, HasRefreshToken: true,
			},
			`{"id":"dropbox/a","provider":"dropbox","name":"a","state":"damaged","generation":3,"expires_at":"2026-01-02T04:04:05Z","has_refresh_token":true,"unwritable":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(NewConnection(tt.status))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The promise that no answer holds a token is kept by there being no place for one.
func TestAnswersHaveNoPlaceForTokens(t *testing.T) {
	known := map[string]bool{"token_type": true, "has_refresh_token": true}
	for _, answer := range []any{Connection{}, Connections{}, Provider{}, Providers{}, LoginLink{}, Readiness{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(answer)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !known[name] && (strings.Contains(name, "token") || strings.Contains(name, "secret")) {
				t.Errorf("%T has the member %s", answer, name)
			}
		}
	}
}
