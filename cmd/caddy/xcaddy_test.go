package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the module's top directory.
const root = "../.."

// builder has the members of xcaddy.Builder that the file uses. xcaddy's command
// line reads no such file; programs that use xcaddy as a library can.
type builder struct {
	CaddyVersion string `json:"caddy_version"`
	Plugins      []struct {
		ModulePath string `json:"module_path"`
		Version    string `json:"version,omitempty"`
	} `json:"plugins"`
	Replacements []struct {
		Old string `json:"old"`
		New string `json:"new"`
	} `json:"replacements"`
}

func TestXcaddyJSONBuildsWhatGoModSays(t *testing.T) {
	f, err := os.Open(filepath.Join(root, "xcaddy.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b builder
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		t.Fatal(err)
	}
	if want := goList(t, "-m", "-f", "{{.Version}}", "github.com/caddyserver/caddy/v2"); b.CaddyVersion != want {
		t.Errorf("caddy_version is %s, go.mod has %s", b.CaddyVersion, want)
	}
	module := goList(t, "-m")
	if len(b.Plugins) != 1 {
		t.Fatalf("there are %d plugins", len(b.Plugins))
	}
	plugin := b.Plugins[0].ModulePath
	if got := goList(t, "-f", "{{.ImportPath}} {{.Module.Path}}", plugin); got != plugin+" "+module {
		t.Errorf("plugin %s is %q", plugin, got)
	}
	if len(b.Replacements) != 1 || b.Replacements[0].Old != module || b.Replacements[0].New != "." {
		t.Errorf("replacements %v do not put this directory in place of %s", b.Replacements, module)
	}
}

// goList returns the output of go list in the module's top directory.
func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %q: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}
