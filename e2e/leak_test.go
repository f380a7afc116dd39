package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// Nothing secret is in what Caddy tells anybody, at its most talkative.
func TestNoSecretLeaks(t *testing.T) {
	for name, credentials := range map[string]string{
		"as ever":                       "",
		"with log_credentials switched": "servers {\n\t\tlog_credentials\n\t}",
	} {
		t.Run(name, func(t *testing.T) {
			found := leaks(t, leakRun{options: credentials, secret: "{env.CLIENT_SECRET}"})
			for _, leak := range found {
				t.Error(leak)
			}
		})
	}
}

// The scan finds what is leaked on purpose, where it is leaked.
func TestLeaksAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		run  leakRun
		want []string
	}{
		"a secret that an access log takes down": {
			leakRun{secret: "{env.CLIENT_SECRET}", site: "log_append leak {env.CLIENT_SECRET}"},
			[]string{"client secret as it is in console.log", "client secret as it is in json.log"},
		},
		"a secret in base64 that an error page shows": {
			leakRun{secret: "{env.CLIENT_SECRET}", site: fmt.Sprintf("respond /missing %q 404",
				base64.StdEncoding.EncodeToString([]byte("x"+clientSecret)))},
			[]string{"client secret in base64 in GET /missing", "client secret in base64 in autosave.json", "client secret in base64 in GET /config/"},
		},
		"a secret that is written out in the configuration": {
			leakRun{secret: clientSecret},
			[]string{"client secret as it is in GET /config/", "client secret as it is in autosave.json"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := leaks(t, tt.run)
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
	options string // global options
	secret  string // how the client's secret is written
	site    string // more lines of the site
}

// leaks runs through the life of connections, well and badly, and returns where which secret can be read.
func leaks(t *testing.T, run leakRun) []string {
	t.Helper()
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{Rotation: standin.RotateAlways})
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	encryptionKey := base64.StdEncoding.EncodeToString(key)
	c.env = append(c.env, "ENCRYPTION_KEY="+encryptionKey)
	c.start(leakConfig(c, server, run))

	s := scan{t: t, c: c, secrets: map[string]string{
		"client secret":  clientSecret,
		"encryption key": encryptionKey,
		"raw key":        string(key),
		// What every token of the stand-in begins with.
		"access token":  "standin-at-",
		"refresh token": "standin-rt-",
	}}
	s.consent()
	s.forward(server)
	s.fail(server)
	for _, path := range []string{
		"/config/", "/token_store/ready", "/token_store/providers", "/token_store/connections",
		"/token_store/connections/dropbox-demo/auth", "/token_store/connections/dropbox-demo/nobody",
		"/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/metrics", "/reverse_proxy/upstreams",
	} {
		_, body, err := c.tryAdmin(http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.look("GET "+path, body)
	}
	c.stop()
	s.lookAtFiles()
	return s.found
}

// leakConfig logs everything there is to log, twice, and configures every kind of route.
func leakConfig(c *caddyServer, server *standin.Server, run leakRun) string {
	provider := strings.Replace(dropboxProvider(server, "min_refresh_interval 1ns"), "{env.CLIENT_SECRET}", run.secret, 1)
	logger := func(name, format string) string {
		return fmt.Sprintf("log %s {\n\t\toutput file %s\n\t\tformat %s\n\t\tlevel DEBUG\n\t}\n", name, filepath.Join(c.dir, name+".log"), format)
	}
	return fmt.Sprintf("{\n%s\n%s%s\tmetrics\n\ttoken_store {\n\t\tstorage bolt %s\n\t\tencryption_key {env.ENCRYPTION_KEY}\n%s\n\t}\n}\nhttp://127.0.0.1:%d {\n\tbind 127.0.0.1\n\tlog\n\tmetrics /metrics\n%s\n%s\n}\n",
		run.options, logger("json", "json"), logger("console", "console"), c.database(), provider, c.port, dropboxSite, run.site)
}

// scan looks for secrets in all that can be read.
type scan struct {
	t       *testing.T
	c       *caddyServer
	secrets map[string]string
	found   []string
}

// consent connects an account in a browser, which makes more secrets.
func (s *scan) consent() {
	s.t.Helper()
	page := s.c.url("/connect/dropbox-demo/auth")
	b := newBrowser(s.t)
	if status := b.connect(page, nil, nil); status != http.StatusOK {
		s.t.Fatalf("the consent ended with status %d", status)
	}
	for _, name := range []string{"code", "state", "code_challenge"} {
		if s.secrets[name] = b.param(name); s.secrets[name] == "" {
			s.t.Fatalf("the browser never saw a %s", name)
		}
	}
	for _, cookie := range b.cookies {
		s.secrets["cookie "+cookie.Name[:4]] = cookie.Value
	}
	// The same callback again, as from a history: an error page.
	s.fetch(http.MethodGet, "/connect/callback/dropbox-demo?code="+s.secrets["code"]+"&state="+s.secrets["state"], nil)
}

// forward uses the connection in both ways. The answer of the token endpoint is the token, and is not looked at.
func (s *scan) forward(server *standin.Server) {
	s.t.Helper()
	checkServes(s.t, s.c)
	server.RevokeAccessTokens() // so that the transport has to try again
	checkServes(s.t, s.c)
	s.fetch(http.MethodPost, "/dropbox/2/files/list_folder", []byte(`{"path":""}`))
	s.fetch(http.MethodPost, "/dropbox/2/files/get_metadata", []byte(`{"path":"/missing"}`))
}

// fail provokes every kind of error there is.
func (s *scan) fail(server *standin.Server) {
	s.t.Helper()
	s.fetch(http.MethodGet, "/missing", nil)
	s.fetch(http.MethodGet, "/token/style.css", nil)
	s.fetch(http.MethodGet, "/token?min_ttl=x", nil)
	s.fetch(http.MethodDelete, "/token", nil)
	s.fetch(http.MethodGet, "/dropbox/..;/token", nil)
	s.fetch(http.MethodGet, "/connect/callback/dropbox-demo?code=x&state=y", nil)
	for _, fault := range []standin.Fault{
		{GrantType: "refresh_token", Status: http.StatusServiceUnavailable},
		{GrantType: "refresh_token", Stage: standin.Before, Status: http.StatusBadRequest, Body: `{"error":"` + clientSecret + `"}`},
		{GrantType: "refresh_token", Redirect: "http://127.0.0.1:9/?secret=" + clientSecret},
	} {
		server.Script(fault)
		s.refresh()
	}
	server.Script(standin.Fault{Path: "/2/files/list_folder", Cut: true})
	s.fetch(http.MethodPost, "/dropbox/2/files/list_folder", []byte(`{"path":""}`))
	for _, f := range server.Families() {
		server.RevokeFamily(f.ID)
	}
	s.refresh()
	s.fetch(http.MethodGet, "/metrics", nil)
	bad, err := json.Marshal(map[string]any{"access_token": 1, "refresh_token": clientSecret})
	if err != nil {
		s.t.Fatal(err)
	}
	_, body, err := s.c.tryAdmin(http.MethodPut, "/token_store/connections/dropbox-demo/bad", bad)
	if err != nil {
		s.t.Fatal(err)
	}
	s.look("the refusal of an import", body)
}

// refresh asks the admin API for a refresh.
func (s *scan) refresh() {
	_, body, err := s.c.tryAdmin(http.MethodPost, "/token_store/connections/dropbox-demo/auth/refresh", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.look("the answer to a refresh", body)
}

// fetch sends a request to the site and looks at the whole answer, which must not be a token.
func (s *scan) fetch(method, path string, body []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.c.url(path), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	_ = resp.Header.Write(&answer)
	if _, err := io.Copy(&answer, resp.Body); err != nil && resp.StatusCode == http.StatusOK {
		s.t.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	s.look(method+" "+path, answer.Bytes())
}

// lookAtFiles looks at everything that Caddy wrote but its configuration, which was ours.
func (s *scan) lookAtFiles() {
	s.t.Helper()
	seen := make(map[string]bool)
	err := filepath.WalkDir(s.c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "Caddyfile" {
			return err
		}
		content, err := os.ReadFile(path)
		seen[d.Name()] = len(content) > 0
		s.look(d.Name(), content)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"json.log", "console.log", "output", "autosave.json", "tokens.db"} {
		if !seen[name] {
			s.t.Errorf("there is nothing in %s; found %v", name, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// look notes which secrets are in content, in which form.
func (s *scan) look(where string, content []byte) {
	for name, secret := range s.secrets {
		for form, needles := range forms(secret) {
			for _, needle := range needles {
				if bytes.Contains(content, []byte(needle)) {
					s.note(fmt.Sprintf("%s %s in %s", name, form, where))
				}
			}
		}
	}
}

func (s *scan) note(leak string) {
	if !slices.Contains(s.found, leak) {
		s.found = append(s.found, leak)
	}
}

// forms returns how a secret may be written, such that it can be read.
func forms(secret string) map[string][]string {
	quoted, _ := json.Marshal(secret)
	all := map[string][]string{
		"as it is":       {secret},
		"percent-coded":  {url.QueryEscape(secret), url.PathEscape(secret)},
		"as JSON":        {strings.Trim(string(quoted), `"`)},
		"in hexadecimal": {hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret)},
	}
	// At any offset in what was encoded, without the ends, where neighbours take part.
	for offset := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
			all["in base64"] = append(all["in base64"], encoded[(offset*8+5)/6:len(encoded)-1])
		}
	}
	return all
}
