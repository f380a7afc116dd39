package caddymodule

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

const (
	providerA = "provider a dropbox {\n client_id one\n}"
	providerB = "provider b dropbox {\n client_id two\n}"

	key1 = "encryption_key 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="
	key2 = "encryption_key 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhw="
)

func TestStartMakesAPrivateDatabaseAndKeyFile(t *testing.T) {
	s := testcaddy.New(t)
	s.MustLoad(providerA, "")
	for _, file := range []string{s.Database(), s.Database() + ".key"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", file, info.Mode().Perm())
		}
	}
	s.MustLoad(providerB, "")
	if n := strings.Count(s.Log(), "made a key file"); n != 1 {
		t.Errorf("the log tells of the new key file %d times, want 1", n)
	}
}

func TestValidationLeavesNothingOnTheDiskAndNothingInThePool(t *testing.T) {
	s := testcaddy.New(t)
	var config caddy.Config
	if err := json.Unmarshal(s.Adapt(providerA, ""), &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(s.Database())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory of the database: %v", err)
	}
	if n, ok := stores.References(s.Database()); ok {
		t.Errorf("%d configurations hold the store", n)
	}
}

func TestValidationOpensNothingForHealthChecks(t *testing.T) {
	// Caddy begins with them while the configuration is provisioned.
	s := testcaddy.New(t)
	site := fmt.Sprintf("http://127.0.0.1:%d {\n token_proxy a/auth https://api.dropboxapi.com {\n health_uri /up\n health_interval 1ms\n }\n}", testcaddy.FreePort(t))
	for range 20 {
		var config caddy.Config
		if err := json.Unmarshal(s.Adapt(providerA, site), &config); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&config); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Dir(s.Database())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory of the database: %v", err)
	}
}

func TestValidationLeavesTheRunningConfigurationAlone(t *testing.T) {
	s := testcaddy.New(t)
	s.MustLoad(providerA, "")
	var config caddy.Config
	if err := json.Unmarshal(s.Adapt(providerB, ""), &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Fatal(err)
	}
	wantInForce(s, "a")
}

func TestReloadKeepsTheStoreAndChangesTheProviders(t *testing.T) {
	s := testcaddy.New(t)
	s.MustLoad(providerA, "")
	old := s.App()
	before, err := old.Store()
	if err != nil {
		t.Fatal(err)
	}
	s.MustLoad(providerB, "")
	wantInForce(s, "b")
	if after, err := s.App().Store(); after != before || err != nil {
		t.Errorf("store %p became %p, %v", before, after, err)
	}
	if late, err := old.Store(); late != before || err != nil {
		t.Errorf("a request of the old configuration gets %p, %v; want %p", late, err, before)
	}
	wantInForce(s, "b") // and not "a" again because of that request
}

func TestAFailedReloadLeavesTheRunningConfigurationAsItWas(t *testing.T) {
	s := testcaddy.New(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	site := fmt.Sprintf("http://127.0.0.1:%d {\n\tbind 127.0.0.1\n}", taken.Addr().(*net.TCPAddr).Port)
	s.MustLoad(providerA, "")
	// Caddy starts apps in random order: some of these fail before the store
	// is attached to the new configuration, and some after.
	for range 12 {
		testcaddy.WantError(t, s.Load(providerB, site), "address already in use")
		wantInForce(s, "a")
	}
}

// wantInForce fails unless the store works with the configuration that has the
// provider, and is held once.
func wantInForce(s *testcaddy.Server, provider string) {
	s.T.Helper()
	store, err := s.App().Store()
	if err != nil {
		s.T.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if _, ok := store.Provider(name); ok != (name == provider) {
			s.T.Errorf("provider %s is in force: %t", name, ok)
		}
	}
	if _, err := store.Status(s.T.Context(), tokenstore.ID{Provider: provider, Name: "x"}); !errors.Is(err, tokenstore.ErrNotFound) {
		s.T.Errorf("the store answers %v", err)
	}
	if n, _ := stores.References(s.Database()); n != 1 {
		s.T.Errorf("%d configurations hold the store, want 1", n)
	}
}

func TestStopClosesTheStore(t *testing.T) {
	s := testcaddy.New(t)
	s.MustLoad(providerA, "")
	app := s.App()
	store, err := app.Store()
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := store.Status(t.Context(), tokenstore.ID{Provider: "a", Name: "x"}); !errors.Is(err, tokenstore.ErrClosed) {
		t.Errorf("the closed store answers %v", err)
	}
	backend, err := bolt.Open(s.Database(), bolt.Options{})
	if err != nil {
		t.Fatalf("the database is not free: %v", err)
	}
	if err := backend.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheFirstRequestOpensTheStoreIfItComesBeforeStart(t *testing.T) {
	s := testcaddy.New(t)
	testcaddy.Probe(t, s.Adapt(providerA, ""), func(ctx caddy.Context) {
		app := mustApp(t, ctx)
		store, err := app.Store()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := store.Provider("a"); !ok {
			t.Error("the store does not know the configuration")
		}
		if err := app.Start(); err != nil {
			t.Error(err)
		}
	})
	if _, ok := stores.References(s.Database()); ok {
		t.Error("the store is still held")
	}
}

func TestARequestThatComesAfterStopGetsNoStore(t *testing.T) {
	s := testcaddy.New(t)
	testcaddy.Probe(t, s.Adapt(providerA, ""), func(ctx caddy.Context) {
		app := mustApp(t, ctx)
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := app.Store(); !errors.Is(err, tokenstore.ErrClosed) {
			t.Errorf("it gets %v", err)
		}
	})
	if _, err := os.Stat(s.Database()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database: %v", err)
	}
}

func TestAnotherKeyIsRefusedWhileTheStoreIsInUse(t *testing.T) {
	tests := map[string]struct{ running, loaded string }{
		"another key":                     {key1, key2},
		"the key file instead of a key":   {key1, ""},
		"a key instead of the key file's": {"", key1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := testcaddy.New(t)
			s.MustLoad(tt.running+"\n"+providerA, "")
			testcaddy.WantError(t, s.Load(tt.loaded+"\n"+providerB, ""), "token_store.encryption_key: ", s.Database(), "leave the key as it was")
			wantInForce(s, "a")
		})
	}
}

func TestTheKeyFilesKeyMayBeConfigured(t *testing.T) {
	s := testcaddy.New(t)
	s.MustLoad(providerA, "")
	s.MustLoad("encryption_key {file."+s.Database()+".key}\n"+providerB, "")
	wantInForce(s, "b")
}

func TestStartRefusesADatabase(t *testing.T) {
	// Each begins with a database that was made with key1, or with a key file.
	tests := map[string]struct {
		made    string
		prepare func(t *testing.T, database string)
		load    string
		want    []string
	}{
		"that another process has open": {
			made: key1, load: key1,
			prepare: func(t *testing.T, database string) {
				other, err := bolt.Open(database, bolt.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = other.Close() })
			},
			want: []string{"in use by another process", "caddy reload"},
		},
		"that was encrypted with another key": {
			made: key1, load: key2,
			want: []string{"wrong encryption key", "configure the encryption_key that it was encrypted with"},
		},
		"that was encrypted with a key when there is to be a key file": {
			made: key1, load: "",
			want: []string{"key file is missing", "tokens.db.key", "configure the encryption_key"},
		},
		"whose key file is lost": {
			made: "", load: "",
			prepare: func(t *testing.T, database string) {
				if err := os.Remove(database + ".key"); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"key file is missing", "put it back from a copy"},
		},
		"whose key file holds something else": {
			made: "", load: "",
			prepare: func(t *testing.T, database string) {
				if err := os.WriteFile(database+".key", []byte("correct horse battery staple"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"tokens.db.key", "invalid encryption key", "openssl rand"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := testcaddy.New(t)
			s.MustLoad(tt.made+"\n"+providerA, "")
			s.Stop()
			before := digest(t, s.Database())
			if tt.prepare != nil {
				tt.prepare(t, s.Database())
			}
			testcaddy.WantError(t, s.Load(tt.load+"\n"+providerA, ""), append(tt.want, s.Database())...)
			if digest(t, s.Database()) != before {
				t.Error("the database was changed")
			}
			if _, ok := stores.References(s.Database()); ok {
				t.Error("the store is still held")
			}
		})
	}
}

func TestStartSaysWhatToDoAboutADatabaseThatCannotBeUsed(t *testing.T) {
	s := testcaddy.New(t)
	file := filepath.Join(s.Dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testcaddy.WantError(t, s.Load("storage bolt "+file+"/tokens.db\n"+providerA, ""), file)
	if err := os.WriteFile(file, make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	testcaddy.WantError(t, s.Load("storage bolt "+file+"\n"+providerA, ""), file, "caddy token-store restore", "caddy token-store recover")
	// The tests may run as root, who can write everywhere.
	testcaddy.WantError(t, withRemedy(fmt.Errorf("directory /x: %w", fs.ErrPermission)), "/x", "storage bolt <path>")
}

func TestSecretsStayOutOfConfigurationLogAndMemoryDumps(t *testing.T) {
	const secret, key = "S3cr3t-canary-of-the-client", "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="
	t.Setenv("CANARY_SECRET", secret)
	t.Setenv("CANARY_KEY", key)
	s := testcaddy.New(t)
	s.MustLoad("encryption_key {env.CANARY_KEY}\nprovider a dropbox {\nclient_id x\nclient_secret {env.CANARY_SECRET}\n}", "")
	app := s.App().(*App)
	config, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(config, []byte("{env.CANARY_SECRET}")) {
		t.Errorf("the configuration is %s", config)
	}
	all := string(config) + s.Log() + fmt.Sprintf("%v %+v %#v", app, app.settings, app.settings)
	for _, canary := range []string{secret, key, "\xde\xad\xbe\xef"} {
		if strings.Contains(all, canary) {
			t.Errorf("%q is in\n%s", canary, all)
		}
	}
}

func digest(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(raw)
}

// mustApp returns the app of ctx, with every other app provisioned before.
func mustApp(t *testing.T, ctx caddy.Context) *App {
	t.Helper()
	if _, err := ctx.App("http"); err != nil {
		t.Fatal(err)
	}
	app, err := ctx.AppIfConfigured(tokenapp.Name)
	if err != nil {
		t.Fatal(err)
	}
	return app.(*App)
}
