// Package testcaddy runs a Caddy within a test. There is one Caddy in a process, so that its tests must not
// be parallel. The package knows the plugin by tokenapp only: the test imports what is to be tested.
package testcaddy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage" // the storage of each test's Caddy
	_ "github.com/caddyserver/caddy/v2/modules/logging"     // its log in a file

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/freeport"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// Server is Caddy itself, in this process.
type Server struct {
	T   *testing.T
	Dir string // what Caddy has on the disk is in here
}

// New returns a Caddy that has no configuration yet. It is stopped when the test ends, which fails if a secret is in
// what Caddy has written.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{T: t, Dir: t.TempDir()}
	t.Setenv("XDG_DATA_HOME", s.Dir)
	t.Setenv("XDG_CONFIG_HOME", s.Dir)
	t.Cleanup(s.checkSecrets)
	t.Cleanup(s.Stop)
	return s
}

// Adapt returns the JSON of a Caddyfile that has these lines in its token_store, and the sites.
func (s *Server) Adapt(tokenStore, sites string) []byte {
	s.T.Helper()
	text := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tstorage file_system %s\n"+
		"\tlog default {\n\t\toutput file %s {\n\t\t\troll_disabled\n\t\t}\n\t\tlevel DEBUG\n\t}\n\ttoken_store {\n%s\n\t}\n}\n%s",
		s.Dir, s.logFile(), tokenStore, sites)
	raw, err := Adapt(text)
	if err != nil {
		s.T.Fatal(err)
	}
	return raw
}

// Adapt returns the JSON of a Caddyfile.
func Adapt(text string) ([]byte, error) {
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return raw, err
}

// Load is what `caddy reload` does.
func (s *Server) Load(tokenStore, sites string) error {
	s.T.Helper()
	return caddy.Load(s.Adapt(tokenStore, sites), true)
}

// MustLoad is Load for configurations that are right.
func (s *Server) MustLoad(tokenStore, sites string) {
	s.T.Helper()
	if err := s.Load(tokenStore, sites); err != nil {
		s.T.Fatal(err)
	}
}

// App returns the app of the configuration that is running.
func (s *Server) App() tokenapp.App {
	s.T.Helper()
	app, err := tokenapp.From(caddy.ActiveContext())
	if err != nil {
		s.T.Fatal(err)
	}
	return app
}

// Stop takes the configuration away.
func (s *Server) Stop() {
	if err := caddy.Stop(); err != nil {
		s.T.Error(err)
	}
	if caddy.ListenerUsage("tcp", caddy.DefaultAdminListen) > 0 {
		s.T.Error("Caddy's admin API is open, and stays open: a configuration was loaded that does not say \"admin off\"")
	}
}

// Database returns the path of the database, unless the configuration says otherwise.
func (s *Server) Database() string {
	return filepath.Join(s.Dir, "caddy", "token_store", "tokens.db")
}
func (s *Server) logFile() string { return filepath.Join(s.Dir, "log") }

// Log returns all that was logged so far, at level DEBUG.
func (s *Server) Log() string {
	s.T.Helper()
	raw, err := os.ReadFile(s.logFile())
	if err != nil {
		s.T.Fatal(err)
	}
	return string(raw)
}

// FreePort returns a port that nobody listens on, and another one each time.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Pick()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// WantError fails unless err tells all of the parts.
func WantError(t *testing.T, err error, parts ...string) {
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

// ID returns the id of a connection that is written as provider/name, valid or not.
func ID(s string) tokenstore.ID {
	provider, name, _ := strings.Cut(s, "/")
	return tokenstore.ID{Provider: provider, Name: name}
}
