package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/catalog"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

func TestEveryPresetIsValidAndCanBeLookedUp(t *testing.T) {
	names, err := filepath.Glob("presets/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d presets, %v", len(names), err)
	}
	ids := catalog.IDs()
	if len(ids) != len(names) || !slices.IsSorted(ids) {
		t.Errorf("%d ids for %d files: %q", len(ids), len(names), ids)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := catalog.Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if base := filepath.Base(name); base != want.ID+".json" {
			t.Errorf("%s holds the preset %q", base, want.ID)
		}
		got, ok := catalog.Lookup(want.ID)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: found %v, %s", name, ok, diff)
		}
	}
}

func TestAnUnknownIDIsNotFound(t *testing.T) {
	for _, id := range []string{"", "nope", "Dropbox", "../presets/dropbox"} {
		if _, ok := catalog.Lookup(id); ok {
			t.Errorf("%q is found", id)
		}
	}
}

func TestAPresetBelongsToItsCaller(t *testing.T) {
	before, _ := catalog.Lookup("dropbox")
	spoilt, _ := catalog.Lookup("dropbox")
	spoilt.AuthorizeParams["token_access_type"] = "online"
	spoilt.Hosts[0].URL = "https://evil.example"
	spoilt.Hosts[1].Paths[0] = "/evil"
	catalog.IDs()[0] = "evil"
	after, _ := catalog.Lookup("dropbox")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if catalog.IDs()[0] == "evil" {
		t.Error("IDs gives out its own slice")
	}
}

func TestDropbox(t *testing.T) {
	p, ok := catalog.Lookup("dropbox")
	if !ok {
		t.Fatal("there is no preset for Dropbox")
	}
	var names []string
	for _, h := range p.Hosts {
		names = append(names, h.Name)
	}
	if diff := cmp.Diff([]string{"api", "content", "notify"}, names); diff != "" {
		t.Error(diff)
	}
	if got := len(p.Hosts[1].Paths); got != 14 {
		t.Errorf("%d routes on the content host, want 14", got)
	}
	if p.AuthorizeParams["token_access_type"] != "offline" {
		t.Error("without token_access_type=offline there is no refresh token")
	}
}

// valid is a preset that each row of the next test spoils in one place.
const valid = `{"id":"x","name":"X","docs_url":"https://x.example/docs","authorize_url":"https://x.example/a",
"token_url":"https://x.example/t","scope_separator":" ","client_auth":"header","token_body":"json","pkce":"required",
"revoke_style":"bearer","rotation":"always","access_token_lifetime_s":60,
"hosts":[{"name":"api","url":"https://x.example/v1"},{"name":"up","url":"https://up.x.example","paths":["/u"],"inject":{"basic":"x-access-token"}}],
"headers":{"request":["Acme-*"],"response":["X-Acme-Id"],"privileged":["Acme-Root"]},"methods":["REPORT"],
"inject":{"header":"X-Token","value":"{token}"}}`

func TestAPresetThatIsWrongIsRefused(t *testing.T) {
	if _, err := catalog.Decode([]byte(valid)); err != nil {
		t.Fatalf("the preset that the rows start from is refused: %v", err)
	}
	for _, tc := range []struct{ name, old, new, want string }{
		{"an unknown member", `"id"`, `"colour":1,"id"`, "unknown field"},
		{"something after it", `"value":"{token}"}}`, `"value":"{token}"}} {}`, "something follows"},
		{"an id in upper case", `"id":"x"`, `"id":"X"`, "id:"},
		{"no name", `"name":"X"`, `"name":""`, "name:"},
		{"a token URL without TLS", `https://x.example/t`, `http://x.example/t`, "token_url:"},
		{"a missing token URL", `https://x.example/t`, ``, "token_url:"},
		{"a fragment", `https://x.example/a`, `https://x.example/a#f`, "authorize_url:"},
		{"user information", `https://x.example/a`, `https://u:p@x.example/a`, "authorize_url:"},
		{"another client_auth", `"header","token_body"`, `"either","token_body"`, "client_auth:"},
		{"another token_body", `"token_body":"json"`, `"token_body":"xml"`, "token_body:"},
		{"another pkce", `"required"`, `"yes"`, "pkce:"},
		{"another revoke_style", `"bearer"`, `"magic"`, "revoke_style:"},
		{"another rotation", `"always"`, `"sometimes"`, "rotation:"},
		{"another separator", `"scope_separator":" "`, `"scope_separator":""`, "scope_separator:"},
		{"a negative lifetime", `:60`, `:-1`, "access_token_lifetime_s:"},
		{"two hosts of one name", `"name":"up"`, `"name":"api"`, "hosts[1]: name"},
		{"a host without TLS", `https://up.x`, `http://up.x`, "hosts[1]: url"},
		{"a slash at the end", `example/v1`, `example/v1/`, "hosts[0]: url"},
		{"a path that is not clean", `"/u"`, `"/u/../v"`, "hosts[1]: path"},
		{"a path twice", `"/u"`, `"/u","/u"`, "hosts[1]: path"},
		{"paths of the default host", `example/v1"`, `example/v1","paths":["/v"]`, "hosts[0]: paths"},
		{"a header's name that is none", `"Acme-*"`, `"Acme *"`, "headers: "},
		{"all headers", `"Acme-*"`, `"*"`, "headers: "},
		{"credentials that pass", `"Acme-*"`, `"Authorization"`, "headers: Authorization"},
		{"CORS that passes", `"X-Acme-Id"`, `"Access-Control-Allow-Origin"`, "headers: Access-Control-Allow-Origin"},
		{"a privileged header that passes", `"Acme-Root"`, `"ACME-*"`, "headers: "},
		{"a privileged header that is listed", `"Acme-*"`, `"acme-root"`, "privileged: Acme-Root"},
		{"a method in lower case", `"REPORT"`, `"report"`, "methods: "},
		{"a tunnel", `"REPORT"`, `"CONNECT"`, "methods: CONNECT"},
		{"no place for the token", `"value":"{token}"`, `"value":"token"`, "inject: value"},
		{"basic and a header", `"basic":"x-access-token"`, `"basic":"x","header":"X-Token"`, "hosts[1]: inject: basic"},
		{"a user with a colon", `"x-access-token"`, `"x:y"`, "hosts[1]: inject: basic"},
		{"half of a host's inject", `"basic":"x-access-token"`, `"header":"X-Token-Too"`, "hosts[1]: inject: value"},
		{"a header that is none", `"X-Token"`, `"X Token"`, "inject: header"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if strings.Count(valid, tc.old) != 1 {
				t.Fatalf("%q is not in the preset exactly once", tc.old)
			}
			_, err := catalog.Decode([]byte(strings.Replace(valid, tc.old, tc.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want something about %q", err, tc.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := catalog.Decode(raw); err == nil && p.Validate() != nil {
			t.Error("an invalid preset was decoded")
		}
	})
}
