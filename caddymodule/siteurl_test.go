package caddymodule

import (
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestWhereAPersonCanGiveTheConsent(t *testing.T) {
	const connect = " {\n\ttoken_connect /connect/*\n}\n"
	tests := map[string]struct {
		sites string
		// host is the Host of a request to the server that listens on port; "" for none.
		host, port string
		want       string
	}{
		"nowhere without token_connect":              {sites: "http://localhost:8080 {\n}\n"},
		"on the one site that has it":                {sites: "http://localhost:8080" + connect, want: "http://localhost:8080/connect/a/x"},
		"with https":                                 {sites: "https://tokens.example.com" + connect, want: "https://tokens.example.com/connect/a/x"},
		"with https on another port":                 {sites: "https://tokens.example.com:8443" + connect, want: "https://tokens.example.com:8443/connect/a/x"},
		"on port 80":                                 {sites: "http://tokens.example.com" + connect, want: "http://tokens.example.com/connect/a/x"},
		"within other directives":                    {sites: "http://localhost:8080 {\nhandle /connect/* {\nroute {\ntoken_connect\n}\n}\n}\n", want: "http://localhost:8080/connect/a/x"},
		"below another path":                         {sites: "http://localhost:8080 {\ntoken_connect /some/where/*\n}\n", want: "http://localhost:8080/some/where/a/x"},
		"nobody knows if the site has two names":     {sites: "http://localhost:8080, http://127.0.0.1:8080" + connect},
		"nobody knows if the site has all names":     {sites: "http://:8080" + connect},
		"nobody knows if the site has a wildcard":    {sites: "https://*.example.com" + connect},
		"nobody knows if it listens on a socket":     {sites: "http://localhost:8080 {\nbind unix//run/x.sock\ntoken_connect\n}\n"},
		"at the public URL":                          {sites: "http://:8080 {\ntoken_connect /connect/* {\npublic_url https://public.example.com\n}\n}\n", want: "https://public.example.com/connect/a/x"},
		"at the public URL, whatever the request is": {sites: "http://localhost:8080 {\ntoken_connect /connect/* {\npublic_url https://public.example.com\n}\n}\n", host: "localhost:8080", port: ":8080", want: "https://public.example.com/connect/a/x"},
		"on the request's site, though another one is public": {
			sites: "http://localhost:8080" + connect + "http://:9090 {\n\ttoken_connect /connect/* {\n\tpublic_url https://public.example.com\n\t}\n}\n",
			host:  "localhost:8080", port: ":8080", want: "http://localhost:8080/connect/a/x",
		},
		"on the public site, though another one's address is certain": {
			sites: "http://localhost:8080" + connect + "http://:9090 {\n\ttoken_connect /connect/* {\n\tpublic_url https://public.example.com\n\t}\n}\n",
			want:  "https://public.example.com/connect/a/x",
		},
		"at the request's host": {
			sites: "http://localhost:8080, http://127.0.0.1:8080" + connect, host: "127.0.0.1:8080", port: ":8080", want: "http://127.0.0.1:8080/connect/a/x",
		},
		"not at the request's host if another site has it": {
			sites: "http://localhost:8080" + connect + "http://127.0.0.1:8080 {\n}\n", host: "127.0.0.1:8080", port: ":8080", want: "http://localhost:8080/connect/a/x",
		},
		"not at the request's host if another server has it": {
			sites: "http://localhost:8080" + connect + "http://localhost:9090 {\n}\n", host: "localhost:9090", port: ":9090", want: "http://localhost:8080/connect/a/x",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := testcaddy.New(t)
			testcaddy.Probe(t, s.Adapt(providerA, tt.sites), func(ctx caddy.Context) {
				app := mustApp(t, ctx)
				r := httptest.NewRequest("GET", "/", nil)
				r.Host = tt.host
				for _, server := range app.httpServers() {
					if tt.port != "" && server.Listen[0] == tt.port {
						r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, server)
					}
				}
				if tt.host == "" {
					r = nil
				}
				if got := app.ConnectURL(r, tokenstore.ID{Provider: "a", Name: "x"}); got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestAConnectionsNameIsEscapedInItsURL(t *testing.T) {
	s := testcaddy.New(t)
	testcaddy.Probe(t, s.Adapt(providerA, "http://localhost:8080 {\ntoken_connect\n}\n"), func(ctx caddy.Context) {
		got := mustApp(t, ctx).ConnectURL(nil, tokenstore.ID{Provider: "a", Name: "jürgen@example.com"})
		if want := "http://localhost:8080/connect/a/j%C3%BCrgen@example.com"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
