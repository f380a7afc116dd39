package tokenstore_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

const apiURL, gitURL = "https://api.example.com", "https://git.example.com"

// injecting makes a provider with an API host, which says nothing of the token, and a git host.
func injecting(t *testing.T, all, git tokenstore.InjectConfig) *tokenstore.Provider {
	t.Helper()
	c := goodConfig()
	c.Inject = all
	c.Hosts = []tokenstore.HostConfig{{Name: "api", URL: apiURL}, {Name: "git", URL: gitURL, Inject: git}}
	p, err := tokenstore.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheTokenReplacesWhateverStoodInItsHeader(t *testing.T) {
	type config = tokenstore.InjectConfig
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:T"))
	for name, tc := range map[string]struct {
		all, git    config
		header      string // of both hosts
		api, forGit string // its value
	}{
		"a bearer token":                  {header: "Authorization", api: "Bearer T", forGit: "Bearer T"},
		"a header of the API's own":       {all: config{Header: "x-shopify-access-token", Value: "{token}"}, header: "X-Shopify-Access-Token", api: "T", forGit: "T"},
		"another scheme":                  {all: config{Value: "Zoho-oauthtoken {token}"}, header: "Authorization", api: "Zoho-oauthtoken T", forGit: "Zoho-oauthtoken T"},
		"text on both sides":              {all: config{Value: `token="{token}", v=1`}, header: "Authorization", api: `token="T", v=1`, forGit: `token="T", v=1`},
		"the password of every host":      {all: config{BasicUser: "x-access-token"}, header: "Authorization", api: basic, forGit: basic},
		"the password of the git host":    {git: config{BasicUser: "x-access-token"}, header: "Authorization", api: "Bearer T", forGit: basic},
		"the word token for the git host": {git: config{Value: "token {token}"}, header: "Authorization", api: "Bearer T", forGit: "token T"},
		"a bearer for the git host alone": {all: config{BasicUser: "x-access-token"}, git: config{Header: "Authorization", Value: "Bearer {token}"}, header: "Authorization", api: basic, forGit: "Bearer T"},
	} {
		t.Run(name, func(t *testing.T) {
			p := injecting(t, tc.all, tc.git)
			token := &tokenstore.Token{Value: secret.New("T")}
			for range 2 { // the second time it is known
				for i, want := range []string{tc.api, tc.forGit} {
					h := http.Header{tc.header: {"of the client", "twice"}}
					p.Hosts()[i].Inject.Set(h, token)
					if got := h[tc.header]; len(h) != 1 || len(got) != 1 || got[0] != want {
						t.Errorf("host %s gets %q, want %q", p.Hosts()[i].Name, h, want)
					}
				}
			}
		})
	}
}

func TestAHostThatIsReplacedKeepsHowItWantsTheToken(t *testing.T) {
	p := injecting(t, tokenstore.InjectConfig{}, tokenstore.InjectConfig{BasicUser: "git"})
	c := goodConfig()
	for _, h := range p.Hosts() {
		c.Hosts = append(c.Hosts, tokenstore.HostConfig{Name: h.Name, URL: h.URL.String()})
	}
	c.Hosts[1].Inject.BasicUser = "git"
	c.Hosts = append(c.Hosts, tokenstore.HostConfig{Name: "git", URL: "https://git.example.org"})
	again, err := tokenstore.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Hosts()[1]; got.URL.Host != "git.example.org" || got.Inject != p.Hosts()[1].Inject {
		t.Errorf("%s wants the token in another way", got.URL)
	}
}

// With one name for the API and for git, the base path tells them apart.
func TestOfTwoHostsOfOneAddressTheLongerPathWins(t *testing.T) {
	c := goodConfig()
	c.Hosts = []tokenstore.HostConfig{
		{Name: "git", URL: "https://forge.example", Inject: tokenstore.InjectConfig{BasicUser: "git"}},
		{Name: "api", URL: "https://forge.example/api/v3"},
		{Name: "old", URL: "https://forge.example/api"},
	}
	p, err := tokenstore.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "git", "/me/repo.git": "git", "/api/v3/user": "api", "/api/v3": "api", "/api/v30": "old", "/apis": "git"} {
		if h, ok := p.HostAt("https", "forge.example", path); !ok || h.Name != want {
			t.Errorf("%s goes to %+v, want %s", path, h, want)
		}
	}
}

func TestATokenIsAttachedWithoutAnAllocation(t *testing.T) {
	p := injecting(t, tokenstore.InjectConfig{}, tokenstore.InjectConfig{BasicUser: "x-access-token"})
	token := &tokenstore.Token{Value: secret.New(strings.Repeat("T", 1000))}
	h := make(http.Header)
	if n := testing.AllocsPerRun(100, func() {
		for i := range p.Hosts() {
			p.Hosts()[i].Inject.Set(h, token)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A token that never expires may outlive any number of configurations.
func TestAsManyWaysToAttachATokenAsThereMayBe(t *testing.T) {
	token := &tokenstore.Token{Value: secret.New("T")}
	for n := range 20 {
		want := strings.Repeat("x", n) + "T"
		p := injecting(t, tokenstore.InjectConfig{Header: "X-Token", Value: strings.Repeat("x", n) + "{token}"}, tokenstore.InjectConfig{})
		h := make(http.Header)
		p.Hosts()[0].Inject.Set(h, token)
		if got := h.Get("X-Token"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
