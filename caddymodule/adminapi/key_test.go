package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestKeyAsJSON(t *testing.T) {
	scope := callerkey.Scope{Connections: []string{"dropbox/*"}, Paths: []string{"/2/*"}}
	tests := []struct {
		name string
		key  callerkey.Key
		want string
	}{
		{"a key that never expires", callerkey.Key{Name: "a", ID: "x", Scope: scope, CreatedAt: now.In(time.FixedZone("", 3600))},
			`{"name":"a","id":"x","state":"valid","connections":["dropbox/*"],"paths":["/2/*"],"created_at":"2026-01-02T03:04:05Z"}`},
		{"a key that expires", callerkey.Key{Name: "a", ID: "x", Scope: scope, ExpiresAt: inAnHour},
			`{"name":"a","id":"x","state":"valid","connections":["dropbox/*"],"paths":["/2/*"],"expires_at":"2026-01-02T04:04:05Z"}`},
		{"a key that has expired", callerkey.Key{Name: "a", ID: "x", Scope: scope, ExpiresAt: now},
			`{"name":"a","id":"x","state":"expired","connections":["dropbox/*"],"paths":["/2/*"],"expires_at":"2026-01-02T03:04:05Z"}`},
		{"a key that is damaged", callerkey.Key{Name: "a", Damaged: true}, `{"name":"a","state":"damaged"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(NewKey(tt.key, now))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestACreatedKeyIsToldByEncodeOnly(t *testing.T) {
	made := CreatedKey{Key: Key{Name: "a", State: KeyValid}, Secret: secret.New("canary")}
	marshalled, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", made, made, made, marshalled); strings.Contains(printed, "canary") {
		t.Error(printed)
	}
	encoded, err := made.Encode()
	if err != nil || string(encoded) != `{"name":"a","state":"valid","key":"canary"}` {
		t.Errorf("%s, %v", encoded, err)
	}
	var got CreatedKey
	if err := json.Unmarshal(encoded, &got); err != nil || got.Name != "a" || !got.Secret.Equal(made.Secret) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"key":["canary"]}`), &got); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestParseKeySpec(t *testing.T) {
	tests := []struct {
		name, body string
		want       KeySpec
		says       string
	}{
		{"the least", `{"name":"a","connections":["b/c"]}`, KeySpec{Name: "a", Connections: []string{"b/c"}}, ""},
		{"all", `{"name":"a","connections":["b/c"],"methods":["GET"],"paths":["/*"],"origins":["https://a.example"],"expires_at":"2026-01-02T04:04:05Z"}`,
			KeySpec{Name: "a", Connections: []string{"b/c"}, Methods: []string{"GET"}, Paths: []string{"/*"}, Origins: []string{"https://a.example"}, ExpiresAt: inAnHour}, ""},
		{"a lifetime", `{"name":"a","connections":["b/c"],"expires_in":3600}`, KeySpec{Name: "a", Connections: []string{"b/c"}, ExpiresAt: inAnHour}, ""},
		{"an empty list stays one", `{"name":"a","connections":["b/c"],"methods":[]}`, KeySpec{Name: "a", Connections: []string{"b/c"}, Methods: []string{}}, ""},
		{"nothing is left to the key itself", `{}`, KeySpec{}, ""},

		{"no object", `[]`, KeySpec{}, "not a JSON object"},
		{"two objects", `{}{}`, KeySpec{}, "something follows"},
		{"a member twice", `{"paths":["/a"],"paths":["/b"]}`, KeySpec{}, "twice"},
		{"an unknown member", `{"name":"a","path":["/a"]}`, KeySpec{}, "unknown member"},
		{"a member in upper case", `{"name":"a","Paths":["/a"]}`, KeySpec{}, "unknown member"},
		{"a list that is none", `{"paths":"/a"}`, KeySpec{}, "paths is not a list"},
		{"a list that is null", `{"paths":null}`, KeySpec{}, "paths is not a list"},
		{"a list of numbers", `{"paths":[1]}`, KeySpec{}, "paths is not a list"},
		{"a name that is none", `{"name":1}`, KeySpec{}, "name is not a string"},
		{"two ends", `{"expires_in":1,"expires_at":"2026-01-02T04:04:05Z"}`, KeySpec{}, "not both"},
		{"an end that is none", `{"expires_at":"tomorrow"}`, KeySpec{}, "RFC 3339"},
		{"an end before all time", `{"expires_at":"0001-01-01T00:00:00Z"}`, KeySpec{}, "in the past"},
		{"a lifetime with a unit", `{"expires_in":"1h"}`, KeySpec{}, "number of seconds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseKeySpec([]byte(tt.body), now)
			if tt.says != "" {
				if !errors.Is(err, ErrMalformedKey) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got error %v, want %q", err, tt.says)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func FuzzAKeySpecIsReadAsItIsWritten(f *testing.F) {
	f.Add([]byte(`{"name":"a","connections":["b/c"],"methods":["GET"],"paths":["/*"],"origins":["https://a.example"],"expires_at":"2026-01-02T04:04:05Z"}`))
	f.Add([]byte(`{"name":"a","connections":["b/c"],"expires_in":3600}`))
	f.Add([]byte(`{"name":"\ud800"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		k, err := ParseKeySpec(body, now)
		if err != nil {
			return
		}
		encoded, err := json.Marshal(k)
		if err != nil {
			t.Fatalf("%q is read as %+v, which cannot be written: %v", body, k, err)
		}
		again, err := ParseKeySpec(encoded, now)
		if err != nil || !cmp.Equal(again, k) {
			t.Errorf("%q is read as %+v, and that as %+v, %v", body, k, again, err)
		}
	})
}
