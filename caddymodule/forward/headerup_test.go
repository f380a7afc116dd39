package forward_test

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

func TestTokenProxyRefusesHeaderUpForCredentials(t *testing.T) {
	for name, line := range map[string]string{
		"set":                       `header_up Authorization "Bearer mine"`,
		"set to nothing":            `header_up authorization`,
		"add":                       `header_up +Authorization "Bearer mine"`,
		"delete":                    `header_up -Authorization`,
		"delete a beginning":        `header_up -Auth*`,
		"delete an end":             `header_up -*ization`,
		"delete what has a part":    `header_up -*thor*`,
		"delete all":                `header_up -*`,
		"replace":                   `header_up Authorization Bearer Token`,
		"replace in all":            `header_up * Bearer Token`,
		"set, with a sign too much": `header_up >Authorization x`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := adaptSite(t, "token_proxy demo/one {\nheader_up X-A b\n"+line+"\n}")
			testcaddy.WantError(t, err, "Caddyfile:4", "header_up", "Authorization goes to the API with the token", "take the line away", "inject")
		})
	}
}

func TestHeaderUpIsRefusedForTheHeaderThatTheProviderWantsTheTokenIn(t *testing.T) {
	for name, tc := range map[string]struct {
		site  string
		parts []string
		edit  []string
	}{
		"set":                        {site: "token_proxy shop/one {\nheader_up X-Shop-Token mine\n}", parts: []string{"header_up X-Shop-Token: X-Shop-Token goes"}},
		"for one host":               {site: "token_proxy shop/one {\nheader_up x-crm-session mine\n}", parts: []string{"header_up X-Crm-Session: X-Crm-Session goes"}},
		"for each user":              {site: "token_proxy shop/{http.auth.user.id} {\nheader_up +X-Shop-Token mine\n}", parts: []string{"X-Shop-Token goes"}},
		"delete both":                {site: "token_proxy shop/one {\nheader_up -X-Shop-Token\nheader_up -*-session\n}", parts: []string{"header_up X-Shop-Token: X-Shop-Token goes", "header_up *-session: X-Crm-Session goes"}},
		"replace":                    {site: "token_proxy shop/one {\nheader_up X-Shop-Token a b\n}", parts: []string{"X-Shop-Token goes"}},
		"by hand":                    {site: "reverse_proxy {vars.x} {\nheader_up Authorization mine\ntransport token_store\n}", parts: []string{"Authorization goes"}},
		"by hand, with a provider":   {site: "reverse_proxy {vars.x} {\nheader_up X-Shop-Token mine\ntransport token_store {\nprovider shop\n}\n}", parts: []string{"X-Shop-Token goes"}},
		"in JSON, in another case":   {site: "token_proxy shop/one {\nheader_up X-A mine\n}", edit: []string{`"X-A"`, `"x-shop-TOKEN"`}, parts: []string{"X-Shop-Token goes"}},
		"in JSON, next to a problem": {site: "reverse_proxy evil.example:443 {\nheader_up X-A mine\ntransport token_store\n}", edit: []string{`"X-A"`, `"Authorization"`}, parts: []string{"Authorization goes", "upstream evil.example:443 "}},
	} {
		t.Run(name, func(t *testing.T) { testcaddy.WantError(t, validate(t, tc.site, tc.edit...), tc.parts...) })
	}
}

func TestHeaderUpIsTakenForOtherHeaders(t *testing.T) {
	for name, site := range map[string]string{
		"set":                               "token_proxy demo/one {\nheader_up X-Authorization x\n}",
		"delete":                            "token_proxy demo/one {\nheader_up -X-Auth*\nheader_up -*-Id\nheader_up -*ser-Age*\n}",
		"of another provider":               "token_proxy demo/one {\nheader_up X-Shop-Token x\n}",
		"a placeholder":                     "token_proxy demo/one {\nheader_up {http.vars.name} x\n}",
		"of answers":                        "token_proxy demo/one {\nheader_down -Authorization\n}",
		"by hand, of a provider not known":  "reverse_proxy {vars.x} {\nheader_up X-Shop-Token mine\ntransport token_store\n}",
		"in a reverse_proxy without tokens": "reverse_proxy localhost:1 {\nheader_up Authorization mine\n}",
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, site); err != nil {
				t.Error(err)
			}
		})
	}
}
