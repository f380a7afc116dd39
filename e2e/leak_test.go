package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret/secrettest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// Nothing secret is in what Caddy tells anybody, at its most talkative.
func TestNoSecretLeaks(t *testing.T) {
	for name, tt := range map[string]struct {
		options string
		may     []string // what log_credentials is for: passwords and tokens of the site's own users
	}{
		"as ever": {},
		"with log_credentials switched": {"servers {\n\t\tlog_credentials\n\t}", []string{
			"client's own Authorization", "client's own Proxy-Authorization", "client's own Cookie", "signature of a caller's JSON Web Token",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := leaks(t, leakRun{options: tt.options, secret: "{env.CLIENT_SECRET}", logged: tt.may})
			for _, leak := range s.found {
				t.Error(leak)
			}
			t.Logf("%d kinds of secrets in %d forms, in %d places", len(s.secrets), len(forms), s.looked)
			if len(s.secrets) < 12 || len(forms) < 5 {
				t.Error("that is too few")
			}
		})
	}
}

// forms are those that a secret is looked for in.
var forms = []string{secrettest.Plain, secrettest.Percent, secrettest.JSON, secrettest.Hex, secrettest.Base64, secrettest.Start}

// The scan finds what is leaked on purpose, where it is leaked.
func TestLeaksAreFound(t *testing.T) {
	var planted strings.Builder
	for i, form := range forms {
		fmt.Fprintf(&planted, "log_append leak%d %q\n", i, "x"+secrettest.Written(clientSecret, form)[0]+"y")
	}
	fmt.Fprintf(&planted, "respond /missing %q 404\n", base64.StdEncoding.EncodeToString([]byte("x"+clientSecret)))
	var want []string
	for _, form := range forms {
		for _, where := range []string{"json.log", "console.log", "autosave.json", "GET /config/"} {
			want = append(want, "client secret "+form+" in "+where)
		}
	}
	want = append(want, "client secret in base64 in GET /missing")
	for name, tt := range map[string]struct {
		run  leakRun
		want []string
	}{
		"a secret that an access log takes down, in each form, and one that a page shows": {leakRun{leaky: true, secret: "{env.CLIENT_SECRET}", site: planted.String()}, want},
		"a secret that is written out in the configuration":                               {leakRun{leaky: true, secret: clientSecret}, []string{"client secret as it is in GET /config/", "client secret as it is in autosave.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := leaks(t, tt.run).found
			for _, want := range tt.want {
				if !slices.Contains(found, want) {
					t.Errorf("not found: %s; found: %q", want, found)
				}
			}
		})
	}
}

// leakRun is how Caddy is configured.
type leakRun struct {
	options string   // global options
	secret  string   // how the client's secret is written
	leaky   bool     // on purpose
	site    string   // more lines of the site
	logged  []string // the secrets that its logs have
}

// leaks runs through the life of connections, well and badly, and looks where which secret can be read.
func leaks(t *testing.T, run leakRun) *scan {
	t.Helper()
	c := newCaddy(t)
	c.leaky = run.leaky
	server := newDropbox(t, c, standin.Options{Rotation: standin.RotateAlways})
	issuer := startJWTIssuer(t, "")
	tokenURL, verifiers := tap(t, server)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	encryptionKey := base64.StdEncoding.EncodeToString(key)
	c.env = append(c.env, "ENCRYPTION_KEY="+encryptionKey, "PROXY=http://somebody:"+proxyPassword+"@127.0.0.1:1")
	config := leakConfig(c, server, tokenURL, issuer, run)
	c.start(config)

	s := &scan{t: t, c: c, met: make(map[string]bool), secrets: map[string]string{
		"client secret":  clientSecret,
		"encryption key": encryptionKey,
		"raw key":        string(key),
		// What every token of the stand-in begins with.
		"access token":           "standin-at-",
		"refresh token":          "standin-rt-",
		"imported access token":  "planted-imported-access-" + rand.Text(),
		"imported refresh token": "planted-imported-refresh-" + rand.Text(),
		"ID token":               idToken,
		"subscription key":       subscriptionKey,
		"password of a proxy":    proxyPassword,

		"client's own Authorization":       ownBearer,
		"client's own Proxy-Authorization": ownProxySecret,
		"client's own Cookie":              ownCookie,
	}, may: map[string][]string{
		"access token": {"GET /token", "GET /keyed", "GET /jwt"},
		// Caddy itself logs where it connects to, at this level.
		"password of a proxy": {"json.log", "console.log"},
		"caller key":          {"caddy token-store keys create"},
	}}
	for _, name := range run.logged {
		s.may[name] = []string{"json.log", "console.log", "output"}
	}
	s.consent(server)
	s.secrets["PKCE verifier"] = <-verifiers
	s.forward(server)
	s.callers(issuer)
	s.unreachable()
	s.fail(server)
	c.reload(config)
	s.administer()
	c.stop()
	s.lookAtFiles()
	s.checkWhereTheyMayBe()
	return s
}

// leakConfig logs everything there is to log, twice, and configures every kind of route.
func leakConfig(c *caddyServer, server *standin.Server, tokenURL string, issuer *jwtIssuer, run leakRun) string {
	provider := strings.Replace(dropboxProvider(server, "min_refresh_interval 1ns"), "{env.CLIENT_SECRET}", run.secret, 1)
	provider = strings.Replace(provider, server.OAuthURL()+"/oauth2/token", tokenURL+"/oauth2/token", 1)
	for name, host := range map[string]string{
		"closed": "http://127.0.0.1:1",                                       // nobody listens there
		"plain":  strings.Replace(server.APIURL(), "http://", "https://", 1), // and there nobody speaks TLS
	} {
		provider += fmt.Sprintf("\nprovider %s generic {\n client_id demo\n client_secret %s\n authorize_url %[3]s/a\n token_url %[3]s/t\n revoke_url %[3]s/r\n host api %[3]s\n}", name, run.secret, host)
	}
	logger := func(name, format string) string {
		return fmt.Sprintf("log %s {\n\t\toutput file %s\n\t\tformat %s\n\t\tlevel DEBUG\n\t}\n", name, filepath.Join(c.dir, name+".log"), format)
	}
	site := dropboxSite + fmt.Sprintf(leakRoutes, issuer.server.URL)
	return fmt.Sprintf("{\n%s\n%s%s\tmetrics\n\ttoken_store {\n\t\taudit\n\t\tstorage bolt %s\n\t\tencryption_key {env.ENCRYPTION_KEY}\n%s\n\t}\n}\n%shttp://127.0.0.1:%d {\n\tbind 127.0.0.1\n\tlog\n\tmetrics /metrics\n%s\n%s\n}\n",
		run.options, logger("json", "json"), logger("console", "console"), c.database(), provider, leakCallers, c.port, site, run.site)
}

const leakCallers = `
(callers) {
	allow key *
	allow origin https://app.example.com
}
`

// leakRoutes are for an issuer.
const leakRoutes = `
	token_grants /grants
	token_endpoint /keyed dropbox-demo/auth {
		import callers
	}
	token_proxy /2/* dropbox-demo/auth {
		import callers
	}
	token_endpoint /jwt dropbox-demo/auth {
		allow jwt %s {
			audience https://tokens.example.com
		}
	}
	handle_path /closed/* {
		token_proxy closed/auth
	}
	handle_path /plain/* {
		token_proxy plain/auth
	}
	handle_path /proxied/* {
		token_proxy dropbox-demo/auth {
			transport http {
				network_proxy url {env.PROXY}
			}
		}
	}`
