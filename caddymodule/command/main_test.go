package command_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// The scripts run the real command in processes of their own; the Caddy that they
// speak to, and the stand-in behind it, run in the process of the test.
func TestMain(m *testing.M) {
	testscript.Main(leakFree{m}, map[string]func(){"caddy": caddycmd.Main})
}

type leakFree struct{ m *testing.M }

func (l leakFree) Run() int { return leaktest.Run(l.m, testcaddy.CaddysOwn()...) }

const config = `{
	admin %[1]s
	persist_config off
	storage file_system %[5]s
	log {
		output discard
	}
	token_store {
		storage bolt %[2]s
		provider acme generic {
			client_id     demo
			client_secret demo-secret
			authorize_url %[3]s/oauth2/authorize
			token_url     %[3]s/oauth2/token
		}
		provider robot generic {
			grant         client_credentials
			client_id     demo
			client_secret demo-secret
			token_url     %[3]s/oauth2/token
		}
		provider empty generic {
			client_id     demo
			client_secret demo-secret
			authorize_url %[3]s/oauth2/authorize
			token_url     %[3]s/oauth2/token
		}
	}
}
http://localhost:%[4]d {
	bind 127.0.0.1
	token_connect /connect/*
}
`

// startCaddy runs a Caddy whose admin API is at admin.
func startCaddy(t *testing.T, admin string) (server *standin.Server, database string) {
	t.Helper()
	server, database, adapted := prepareCaddy(t, admin)
	loadCaddy(t, adapted)
	t.Cleanup(func() { stopCaddy(t) })
	return server, database
}

func loadCaddy(t *testing.T, adapted []byte) {
	t.Helper()
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
}

func stopCaddy(t *testing.T) {
	t.Helper()
	// Stop leaves the admin API running; a configuration without one ends it.
	if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true); err != nil {
		t.Error(err)
	}
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
}

// prepareCaddy starts a stand-in, and returns the configuration of a Caddy that uses it.
func prepareCaddy(t *testing.T, admin string) (server *standin.Server, database string, adapted []byte) {
	t.Helper()
	dir := t.TempDir()
	database = filepath.Join(dir, "tokens.db")
	port := testcaddy.FreePort(t)
	server = standin.New(standin.Options{
		Clients: []standin.Client{{
			ID: "demo", Secret: "demo-secret",
			RedirectURIs: []string{
				fmt.Sprintf("http://localhost:%d/connect/callback/acme", port),
				fmt.Sprintf("http://localhost:%d/connect/callback/empty", port),
			},
		}},
		Rotation: standin.RotateAlways,
	})
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })

	caddyfile := fmt.Sprintf(config, admin, database, server.OAuthURL(), port, dir)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	return server, database, adapted
}

func TestScripts(t *testing.T) {
	admin := "127.0.0.1:" + strconv.Itoa(testcaddy.FreePort(t))
	server, database := startCaddy(t, admin)
	run(t, "testdata/*.txtar", admin, database, server)
}

func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "admin") //nolint:usetesting // t.TempDir makes paths too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	admin := "unix/" + filepath.Join(dir, "s")
	server, database := startCaddy(t, admin)
	run(t, "testdata/unix/*.txtar", admin, database, server)
}

// run runs scripts in which those variables are set, beside those that every script has.
func run(t *testing.T, glob, admin, database string, server *standin.Server, vars ...string) {
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	s := scripts{server: server}
	// The group keeps Caddy running until the scripts, which run in parallel, have ended.
	t.Run("group", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Files:               files,
			RequireExplicitExec: true,
			Setup: func(env *testscript.Env) error {
				env.Setenv("ADMIN", admin)
				env.Setenv("CADDY_ADMIN", admin)
				env.Setenv("HOME", env.WorkDir)
				env.Setenv("DATABASE", database)
				env.Vars = append(env.Vars, vars...)
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"grant":    s.grant,
				"alone":    new(backups).alone,
				"consent":  s.consent,
				"revoke":   s.revoke,
				"notokens": s.noTokens,
			},
		})
	})
}

// scripts has the commands that the scripts use beside those of testscript.
type scripts struct{ server *standin.Server }

// grant FILE writes a grant as a token endpoint would have answered it. The variable FAMILY
// is its number.
func (s scripts) grant(ts *testscript.TestScript, _ bool, args []string) {
	g, err := s.server.IssueGrant("demo")
	ts.Check(err)
	ts.Setenv("FAMILY", strconv.Itoa(g.Family))
	body, err := json.Marshal(map[string]any{
		"access_token": g.AccessToken, "refresh_token": g.RefreshToken, "token_type": "bearer",
		"expires_in": strconv.Itoa(int(g.ExpiresIn.Seconds())), "scope": "files.read", "uid": 12,
		"expiry": time.Now().Add(g.ExpiresIn).Format(time.RFC3339Nano),
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), body, 0o600))
}

// consent FILE waits until the file has a link in it, and then does what a person does who opens
// it: presses the button of our page, and that of the authorization server.
func (s scripts) consent(ts *testscript.TestScript, _ bool, args []string) {
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	connections := new(http.Transport)
	defer connections.CloseIdleConnections()
	client := &http.Client{Jar: jar, Timeout: time.Minute, Transport: asBrowser{connections}}
	page := awaitLink(ts, args[0])
	for range 2 {
		resp, err := standin.Approve(context.Background(), client, page)
		ts.Check(err)
		ts.Check(resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			ts.Fatalf("%s: %s", resp.Request.URL, resp.Status)
		}
		page = resp.Request.URL.String()
	}
}

var link = regexp.MustCompile(`http://localhost\S+\n`)

func awaitLink(ts *testscript.TestScript, file string) string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		content, err := os.ReadFile(ts.MkAbs(file))
		if found := link.Find(content); err == nil && found != nil {
			return strings.TrimSpace(string(found))
		}
		<-tick.C
	}
	ts.Fatalf("no link appeared in %s", file)
	return ""
}

// asBrowser says what browsers say of themselves.
type asBrowser struct{ connections *http.Transport }

func (b asBrowser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.connections.RoundTrip(r)
}

// revoke FAMILY makes the server end a grant.
func (s scripts) revoke(ts *testscript.TestScript, _ bool, args []string) {
	family, err := strconv.Atoi(args[0])
	ts.Check(err)
	if !s.server.RevokeFamily(family) {
		ts.Fatalf("there is no grant %d", family)
	}
}

// notokens fails if the last command printed a secret.
func (s scripts) noTokens(ts *testscript.TestScript, _ bool, _ []string) {
	printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	for _, secret := range []string{"standin-at-", "standin-rt-", "demo-secret", "canary"} {
		if strings.Contains(printed, secret) {
			ts.Fatalf("%s… was printed", secret)
		}
	}
}
