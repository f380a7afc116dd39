package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// variable is a placeholder of an environment variable.
var variable = regexp.MustCompile(`\{env\.([A-Za-z0-9_]+)\}`)

// Whoever tries one of them should see it work, and see nothing to correct.
func TestEveryCaddyfileIsValid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "examples", "*", "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join(root, "Caddyfile.example")) {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			if err := validate(t, file, "anything"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheExampleSaysWhichVariablesAreMissing(t *testing.T) {
	err := validate(t, filepath.Join(root, "Caddyfile.example"), "")
	if err == nil {
		t.Fatal("it is valid without them")
	}
	for _, name := range []string{"DROPBOX_CLIENT_ID", "DROPBOX_CLIENT_SECRET"} {
		if want := "the environment variable " + name + " is not set"; !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
}

// validate does what `caddy validate` does, with a value for every variable that the
// file names.
func validate(t *testing.T, file, value string) error {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range variable.FindAllSubmatch(text, -1) {
		t.Setenv(string(name[1]), value)
	}
	raw, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		t.Errorf("warning: %s", w)
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&config)
}
