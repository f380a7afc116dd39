package caddymodule

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// testServer is Caddy itself, in this process. There can be one only, so its
// tests are not parallel.
type testServer struct {
	t   *testing.T
	dir string // what Caddy has on the disk is in here
}

func newTestServer(t *testing.T) *testServer {
	t.Helper()
	s := &testServer{t: t, dir: t.TempDir()}
	t.Setenv("XDG_DATA_HOME", s.dir)
	t.Setenv("XDG_CONFIG_HOME", s.dir)
	t.Cleanup(s.stop)
	return s
}

// adapt returns the JSON of a Caddyfile that has these lines in its token_store, and the sites.
func (s *testServer) adapt(tokenStore, sites string) []byte {
	s.t.Helper()
	text := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tstorage file_system %s\n"+
		"\tlog default {\n\t\toutput file %s {\n\t\t\troll_disabled\n\t\t}\n\t\tlevel DEBUG\n\t}\n\ttoken_store {\n%s\n\t}\n}\n%s",
		s.dir, s.logFile(), tokenStore, sites)
	raw, err := adaptCaddyfile(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func adaptCaddyfile(text string) ([]byte, error) {
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return raw, err
}

// load is what `caddy reload` does.
func (s *testServer) load(tokenStore, sites string) error {
	s.t.Helper()
	return caddy.Load(s.adapt(tokenStore, sites), true)
}

func (s *testServer) mustLoad(tokenStore, sites string) {
	s.t.Helper()
	if err := s.load(tokenStore, sites); err != nil {
		s.t.Fatal(err)
	}
}

// app returns the app of the configuration that is running.
func (s *testServer) app() tokenApp {
	s.t.Helper()
	app, err := appOf(caddy.ActiveContext())
	if err != nil {
		s.t.Fatal(err)
	}
	return app
}

func (s *testServer) stop() {
	if err := caddy.Stop(); err != nil {
		s.t.Error(err)
	}
}

func (s *testServer) database() string {
	return filepath.Join(s.dir, "caddy", "token_store", "tokens.db")
}
func (s *testServer) logFile() string { return filepath.Join(s.dir, "log") }

func (s *testServer) log() string {
	s.t.Helper()
	raw, err := os.ReadFile(s.logFile())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(raw)
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// wantError fails unless err tells all of the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q\ndoes not tell %q", err, part)
		}
	}
}

// testID returns the id of a connection that is written as provider/name, valid or not.
func testID(s string) tokenstore.ID {
	provider, name, _ := strings.Cut(s, "/")
	return tokenstore.ID{Provider: provider, Name: name}
}
