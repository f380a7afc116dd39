package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestProblemsOfJSONAreToldWithTheirPath(t *testing.T) {
	tests := map[string]struct {
		app  string
		want []string
	}{
		"an unset client id": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "{env.NOT_SET_HERE}"}]}`,
			[]string{`token_store.providers[0].client_id (provider "a"): the environment variable NOT_SET_HERE is not set`},
		},
		"no client id": {
			`{"providers": [{"name": "a", "preset": "dropbox"}]}`,
			[]string{`token_store.providers[0].client_id (provider "a"): it is empty; register an app`},
		},
		"a secret's missing file": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "x", "client_secret": "{file./not/there}"}]}`,
			[]string{`token_store.providers[0].client_secret (provider "a"): the file /not/there is empty, or cannot be read`},
		},
		"an unknown placeholder": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "{emv.X}"}]}`,
			[]string{`client_id (provider "a"): the placeholder {emv.X} has no value here; use {env.NAME} or {file./path}`},
		},
		"a placeholder's bad value": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "x", "token_url": "{env.PLAIN_URL}"}]}`,
			[]string{`token_store.providers[0].token_url (provider "a"): `, "use https"},
		},
		"a host's": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "x", "hosts": [{"name": "x", "url": "{env.PLAIN_URL}"}]}]}`,
			[]string{`token_store.providers[0].hosts (provider "a"): x: `, "use https"},
		},
		"a negative duration": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "x", "lead": "-1s"}]}`,
			[]string{`token_store.providers[0].lead (provider "a"): -1s`},
		},
		"a name twice": {
			`{"providers": [{"name": "a", "preset": "dropbox", "client_id": "x"}, {"name": "a", "preset": "dropbox", "client_id": "x"}]}`,
			[]string{`token_store.providers[1].name: "a" is the name of another provider`},
		},
		"null": {`{"providers": [null]}`, []string{"token_store.providers[0]: it is null"}},
		"an unset key": {
			`{"encryption_key": "{env.NOT_SET_HERE}"}`,
			[]string{"token_store.encryption_key: the environment variable NOT_SET_HERE is not set"},
		},
		"a passphrase for a key": {
			`{"encryption_key": "{env.PASSPHRASE}"}`,
			[]string{"token_store.encryption_key: environment variable PASSPHRASE: invalid encryption key", "openssl rand"},
		},
		"a certificate for a key": {
			`{"encryption_key": "{file.testdata/certificate.pem}"}`,
			[]string{"token_store.encryption_key: file testdata/certificate.pem: invalid encryption key: it is a PEM block"},
		},
		"an unknown backend":          {`{"storage": {"backend": "etcd"}}`, []string{`token_store.storage: unknown backend "etcd"; write: storage bolt <path>`}},
		"a database nowhere":          {`{"storage": {"path": "{env.NOT_SET_HERE}/x"}}`, []string{"token_store.storage: the environment variable NOT_SET_HERE is not set"}},
		"negative metrics":            {`{"metrics_connections": -1}`, []string{"token_store.metrics_connections: it is negative"}},
		"a field nobody knows":        {`{"provider": []}`, []string{`unknown field "provider"`}},
		"several things that are bad": {`{"storage": {"backend": "x"}, "encryption_key": "x", "providers": [{}, {"name": "b"}]}`, []string{"token_store.storage", "token_store.encryption_key", "providers[0].name", "providers[0].client_id", "providers[1].client_id"}},
	}
	t.Setenv("PLAIN_URL", "http://example.com")
	t.Setenv("PASSPHRASE", "c4n4ry battery staple")
	testcaddy.New(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := caddy.Config{AppsRaw: caddy.ModuleMap{tokenapp.Name: json.RawMessage(tt.app)}}
			err := caddy.Validate(&config)
			testcaddy.WantError(t, err, tt.want...)
			if err != nil && strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("%q tells a secret", err)
			}
		})
	}
}

func TestASecretWithBracesIsNotTold(t *testing.T) {
	testcaddy.New(t)
	app := App{Providers: []*ProviderConfig{{Name: "a", Preset: "dropbox", ClientID: "x", ClientSecret: "s3c{r3t}s"}}}
	_, err := app.resolve()
	testcaddy.WantError(t, err, "client_secret", `write \{ for a brace`)
	if strings.Contains(err.Error(), "r3t") {
		t.Errorf("%q tells the secret", err)
	}
	app.Providers[0].ClientSecret = `s3c\{r3t}s`
	if _, err := app.resolve(); err != nil {
		t.Error(err)
	}
}

func TestWhereTheDatabaseIs(t *testing.T) {
	s := testcaddy.New(t)
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOME_DIR", "/srv")
	tests := map[string]struct {
		config *StorageConfig
		want   string
	}{
		"in Caddy's data directory":           {nil, s.Database()},
		"there too without a path":            {&StorageConfig{Backend: "bolt"}, s.Database()},
		"in Caddy's data directory, as told":  {&StorageConfig{Path: "{data_dir}/x/tokens.db"}, filepath.Join(s.Dir, "caddy/x/tokens.db")},
		"where a variable says":               {&StorageConfig{Path: "{env.SOME_DIR}/tokens.db"}, "/srv/tokens.db"},
		"below the working directory":         {&StorageConfig{Path: "x/tokens.db"}, filepath.Join(wd, "x/tokens.db")},
		"under the shortest name of the path": {&StorageConfig{Path: "/srv//a/../tokens.db"}, "/srv/tokens.db"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, problem := tt.config.databasePath()
			if problem != nil || got != tt.want {
				t.Errorf("%q, %v; want %q", got, problem, tt.want)
			}
		})
	}
}

func TestPlaceholdersAreReplacedWhenTheConfigurationIsLoaded(t *testing.T) {
	t.Setenv("TENANT", "acme")
	t.Setenv("CLIENT", "the-client")
	c := ProviderConfig{
		Name: "a", ClientID: "{env.CLIENT}", Grant: tokenstore.GrantClientCredentials, ClientSecret: "x",
		TokenURL: "https://{env.TENANT}.example/token",
		Hosts:    []HostConfig{{Name: "api", URL: "https://{env.TENANT}.example/api"}},
		Inject:   &InjectConfig{Header: "x-token", Value: "t={token}"},
	}
	p, wrong := c.build(resolveNow(caddy.NewReplacer()))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if got := p.Hosts()[0].URL.String(); got != "https://acme.example/api" {
		t.Errorf("the host is %s", got)
	}
	if got := p.Hosts()[0].Inject.Header; got != "X-Token" {
		t.Errorf("the header is %s", got)
	}
	if c.ClientID != "{env.CLIENT}" || c.Hosts[0].URL != "https://{env.TENANT}.example/api" {
		t.Errorf("the configuration was changed: %+v", c)
	}
}

func TestDurationsOfJSONAreCaddys(t *testing.T) {
	var c ProviderConfig
	if err := json.Unmarshal([]byte(`{"lead": "2m", "refresh": {"mode": "keep_alive", "period": "30d"}}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.Lead != caddy.Duration(2*time.Minute) || c.Refresh.policy().Period != 30*24*time.Hour {
		t.Errorf("lead %v, period %v", c.Lead, c.Refresh.policy().Period)
	}
}
