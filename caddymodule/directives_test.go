package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/connect"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/endpoint"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/forward"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/grants"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

func TestDirectives(t *testing.T) {
	for _, tc := range []struct {
		name, text, want string
		into             caddyfile.Unmarshaler
	}{
		{"an endpoint for programs of this machine", `token_endpoint demo/auth`, `{"connection":"demo/auth"}`, new(endpoint.Endpoint)},
		{
			"an endpoint with all there is", `token_endpoint demo/{http.auth.user.id} {
				allow local
				allow origin https://a.example https://*.b.example
				allow origin http://localhost:* {env.APP}
				allow key ci
				allow user *
				allow anyone
				allow jwt https://login.example.com {
					audience tokens
					require role editor admin
				}
				limit caller 600/1m burst 50
				limit connection concurrent 4
				cors {
					allow_headers X-A X-B
					allow_methods PUT
					expose_headers *
					max_age 90s
				}
			}`,
			`{"connection":"demo/{http.auth.user.id}","allow":{"local":true,"origins":["https://a.example","https://*.b.example","http://localhost:*","{env.APP}"],"keys":["ci"],"users":["*"],"jwt":[{"issuer":"https://login.example.com","audiences":["tokens"],"require":{"role":["editor","admin"]}}],"anyone":true},` +
				`"cors":{"allow_headers":["X-A","X-B"],"allow_methods":["PUT"],"expose_headers":["*"],"max_age":90000000000},"limits":[{"per":"caller","requests":600,"window":60000000000,"burst":50},{"per":"connection","concurrent":4}]}`,
			new(endpoint.Endpoint),
		},
		{
			"a guard with all there is", `token_guard demo/auth {
				allow local
				on_error pass
				forward
			}`,
			`{"connection":"demo/auth","allow":{"local":true},"on_error":"pass","forward":true}`, new(forward.Guard),
		},
		{"grants for pages", `token_grants`, `{}`, new(grants.Grants)},
		{"the pages of a consent", `token_connect`, `{"path":"/connect"}`, new(connect.Connect)},
		{
			"the pages of a consent elsewhere", `token_connect /some/where/* {
				public_url https://tokens.example.com/
				allow ticket
			}`,
			`{"path":"/some/where","public_url":"https://tokens.example.com/","tickets_only":true}`, new(connect.Connect),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.into.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tc.text)); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(tc.into)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestErrorsInDirectivesNameTheLineAndTheRemedy(t *testing.T) {
	for _, tc := range []struct {
		line int
		text string
		want string
	}{
		{1, "token_endpoint", "takes one connection, such as dropbox-demo/auth"},
		{1, "token_endpoint a/b c/d", "takes one connection"},
		{2, "token_endpoint a/b {\nalow local\n}", "takes allow, cors and limit"},
		{2, "token_endpoint a/b {\nallow\n}", "use allow local, allow local uid <user...>, allow origin <origin...>"},
		{2, "token_endpoint a/b {\nallow everybody\n}", "use allow local, allow local uid <user...>, allow origin <origin...>"},
		{2, "token_endpoint a/b {\nallow origin\n}", "allow origin: name at least one behind it"},
		{2, "token_endpoint a/b {\nallow key\n}", "allow key: name at least one behind it"},
		{3, "token_endpoint a/b {\nallow local\nallow local\n}", "already"},
		{2, "token_endpoint a/b {\nallow origin https://a.example/\n}", "write scheme://host"},
		{2, "token_endpoint a/b {\nallow origin null\n}", "sandboxed"},
		{2, "token_endpoint a/b {\nallow origin https://*.co.uk\n}", "name your own domain"},
		{3, "token_endpoint a/b {\ncors {\nmax_age 11m\n}\n}", "use 1s to 10m"},
		{3, "token_endpoint a/b {\ncors {\nmax_age soon\n}\n}", "write 10m or 90s"},
		{3, "token_endpoint a/b {\ncors {\nheaders X\n}\n}", "it takes allow_headers"},
		{3, "token_endpoint a/b {\ncors {\nallow_headers\n}\n}", "argument"},
		{4, "token_endpoint a/b {\ncors {\nallow_headers A\nallow_headers B\n}\n}", "already specified"},
		{4, "token_endpoint a/b {\ncors {\n}\ncors {\n}\n}", "already specified"},
		{2, "token_guard a/b {\non_error ignore\n}", "refuse or pass"},
		{3, "token_guard a/b {\non_error pass\non_error pass\n}", "already specified"},
		{2, "token_guard a/b {\nforward yes\n}", "forward takes no value"},
		{2, "token_guard a/b {\nreplay\n}", "takes allow, cors, limit, on_error, websocket, methods, forward, pass_header and pass_response_header"},
		{1, "token_connect /connect", "such as /connect/*"},
		{1, "token_connect @here", "such as /connect/*"},
		{1, "token_connect /*", "such as /connect/*"},
		{1, "token_connect /a//b/*", "such as /connect/*"},
		{1, "token_connect /a/* /b/*", "argument"},
		{2, "token_connect {\nallow origin https://a.example\n}", "local or ticket"},
		{3, "token_connect {\nallow local\nallow ticket\n}", "already specified"},
		{2, "token_connect {\npublic_url tokens.example.com\n}", "write scheme and host"},
		{2, "token_connect {\npublic_url https://tokens.example.com/path\n}", "write scheme and host"},
		{2, "token_connect {\nurl https://tokens.example.com\n}", "takes public_url and allow"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			name, _, _ := strings.Cut(strings.Fields(tc.text)[0], " ")
			into := map[string]caddyfile.Unmarshaler{"token_endpoint": new(endpoint.Endpoint), "token_guard": new(forward.Guard), "token_connect": new(connect.Connect)}[name]
			err := into.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tc.text))
			testcaddy.WantError(t, err, tc.want, fmt.Sprintf("Testfile:%d", tc.line))
		})
	}
}

func TestConfigurationsOfRoutesThatAreRefused(t *testing.T) {
	s := testcaddy.New(t)
	t.Setenv("NOTHING", "")
	for directive, want := range map[string]string{
		"token_endpoint b/auth":                               `provider "b" of connection "b/auth" is not configured; configured are: a`,
		"token_endpoint b/{http.auth.user.id}":                `provider "b"`,
		"token_endpoint a":                                    "has no slash",
		"token_endpoint a/b%c":                                "must not contain",
		"token_endpoint a/b {\nallow origin {env.NOTHING}\n}": "NOTHING",
		"token_endpoint a/b {\ncors {\n}\n}":                  "no page may use the route",
		"token_connect {\npublic_url {env.NOTHING}\n}":        "NOTHING",
	} {
		err := s.Load(providerA, fmt.Sprintf("http://localhost:%d {\n%s\n}\n", testcaddy.FreePort(t), directive))
		testcaddy.WantError(t, err, want)
	}
	t.Run("without a token store", func(t *testing.T) {
		raw, err := testcaddy.Adapt("{\nadmin off\n}\nhttp://localhost:1 {\ntoken_endpoint a/b\n}")
		if err != nil {
			t.Fatal(err)
		}
		testcaddy.WantError(t, caddy.Load(raw, true), "there is no token_store")
	})
	t.Run("a provider that is called like the callback", func(t *testing.T) {
		err := s.Load("provider callback dropbox {\n client_id one\n}", "http://localhost:1 {\ntoken_connect\n}")
		testcaddy.WantError(t, err, "rename it")
	})
}
