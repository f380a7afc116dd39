package forward_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// twoProviders are demo, with two hosts, and shop, whose hosts want the token in headers of their own.
const twoProviders = `provider demo {
	client_id id
	client_secret s
	authorize_url https://as.example.com/a
	token_url https://as.example.com/t
	host api https://api.example.com/v1
	host local http://127.0.0.1:8443
	host six http://[::1]:8443
}
provider shop {
	client_id id
	client_secret s
	authorize_url https://as.example.com/a
	token_url https://as.example.com/t
	inject X-Shop-Token {token}
	host api https://shop.example.com
	host crm https://crm.example.com {
		inject X-Crm-Session {token}
	}
}`

// validate returns what is wrong with a site beside twoProviders.
func validate(t *testing.T, site string, edit ...string) error {
	t.Helper()
	raw := testcaddy.New(t).Adapt(twoProviders, "http://localhost:8080 {\n"+site+"\n}")
	text := strings.NewReplacer(edit...).Replace(string(raw))
	if len(edit) > 0 && text == string(raw) {
		t.Fatalf("there is no %s in %s", edit[0], text)
	}
	var config caddy.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&config)
}

// byHand is a site that does without token_proxy.
func byHand(upstream, transport string) string {
	return "route {\ntoken_guard demo/one {\nforward\n}\nreverse_proxy " + upstream + " {\ntransport token_store {\n" + transport + "\n}\n}\n}"
}

func TestUpstreamsThatATokenCannotGoToAreRefusedWithTheConfiguration(t *testing.T) {
	demo := []string{"provider demo has https://api.example.com, http://127.0.0.1:8443, http://[::1]:8443", "host <name> <url>"}
	for name, tc := range map[string]struct {
		site  string
		parts []string
		edit  []string
	}{
		"another host":                       {site: "token_proxy demo/one https://evil.example", parts: append(demo, "upstream evil.example:443 (upstreams/0/dial)")},
		"the wrong port":                     {site: "token_proxy demo/one http://api.example.com", parts: append(demo, "upstream api.example.com:80 ")},
		"one of two":                         {site: "token_proxy demo/one api.example.com:443 127.0.0.1:1", parts: append(demo, "upstream 127.0.0.1:1 (upstreams/1/dial)")},
		"both of two":                        {site: "token_proxy demo/one a.example:1 b.example:1", parts: append(demo, "upstream a.example:1 ", "upstream b.example:1 ")},
		"a line of its own":                  {site: "token_proxy demo/one {\nto evil.example:443\n}", parts: append(demo, "upstream evil.example:443 ")},
		"a name of the host's address":       {site: "token_proxy demo/one localhost:8443", parts: append(demo, "upstream localhost:8443 ")},
		"another provider's host":            {site: "token_proxy demo/one shop.example.com:443", parts: append(demo, "upstream shop.example.com:443 ")},
		"a unix socket":                      {site: "token_proxy demo/one unix//run/api.sock", parts: append(demo, "upstream unix//run/api.sock ")},
		"a connection for each user":         {site: "token_proxy demo/{http.auth.user.id} shop.example.com:443", parts: append(demo, "upstream shop.example.com:443 ")},
		"beside dynamic ones":                {site: "token_proxy demo/one evil.example:443 {\ndynamic a api.example.com 443\n}", parts: append(demo, "upstream evil.example:443 ")},
		"beside one with a placeholder":      {site: "token_proxy demo/one {vars.a} evil.example:443", parts: append(demo, "upstreams/1/dial")},
		"that of health checks":              {site: "token_proxy demo/one api.example.com:443 {\nhealth_uri /up\nhealth_upstream evil.example:443\n}", parts: append(demo, "upstream evil.example:443 (health_checks/active/upstream)")},
		"a reverse_proxy by hand":            {site: byHand("evil.example:443", ""), parts: append(demo, "upstream evil.example:443 ", "provider shop has https://shop.example.com, https://crm.example.com")},
		"by hand, with a provider":           {site: byHand("shop.example.com:443", "provider demo"), parts: append(demo, "upstream shop.example.com:443 ")},
		"by hand, with a connection":         {site: byHand("shop.example.com:443", "connection demo/one"), parts: append(demo, "upstream shop.example.com:443 ")},
		"by hand, with an unknown provider":  {site: byHand("api.example.com:443", "provider demmo"), parts: []string{`no provider "demmo"`}},
		"in JSON":                            {site: "token_proxy demo/one api.example.com:443", edit: []string{"api.example.com:443", "evil.example:443"}, parts: append(demo, "upstream evil.example:443 ")},
		"in JSON, several ports":             {site: "token_proxy demo/one api.example.com:443", edit: []string{"api.example.com:443", "api.example.com:443-444"}, parts: append(demo, "api.example.com:443-444")},
		"in JSON, an address that is none":   {site: "token_proxy demo/one api.example.com:443", edit: []string{"api.example.com:443", "api.example.com:x"}, parts: append(demo, "upstream api.example.com:x ")},
		"in JSON, another kind of transport": {site: "token_proxy demo/one api.example.com:443", edit: []string{"api.example.com:443", "udp/api.example.com:443"}, parts: append(demo, "upstream udp/api.example.com:443 ")},
	} {
		t.Run(name, func(t *testing.T) { testcaddy.WantError(t, validate(t, tc.site, tc.edit...), tc.parts...) })
	}
}

func TestUpstreamsThatMayWorkAreTaken(t *testing.T) {
	for name, site := range map[string]string{
		"none":                              "token_proxy demo/one",
		"the provider's hosts":              "token_proxy demo/one api.example.com:443 127.0.0.1:8443 [::1]:8443",
		"a URL":                             "token_proxy demo/one https://api.example.com",
		"another scheme, which is not used": "token_proxy demo/one https://127.0.0.1:8443",
		"in capitals":                       "token_proxy demo/one API.Example.com:443",
		"a connection for each user":        "token_proxy demo/{http.auth.user.id} api.example.com:443",
		"a placeholder":                     "token_proxy demo/one {http.vars.a}",
		"a host that is a placeholder":      "token_proxy demo/one {http.vars.a}:443",
		"a variable of the environment":     "token_proxy demo/one {env.API_OF_A_TEST}",
		"dynamic ones":                      "token_proxy demo/one {\ndynamic a evil.example 443\n}",
		"health checks at a host":           "token_proxy demo/one api.example.com:443 {\nhealth_uri /up\nhealth_upstream 127.0.0.1:8443\n}",
		"by hand, any provider's":           byHand("shop.example.com:443 api.example.com:443", ""),
		"by hand, the guard's placeholder":  byHand("{http.vars.token_store.upstream.demo}", "connection demo/one"),
		"by hand, a connection for checks":  byHand("shop.example.com:443", "connection demo/one\nprovider shop"),
		"no proxy of ours":                  "reverse_proxy evil.example:443",
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, site); err != nil {
				t.Error(err)
			}
		})
	}
}
