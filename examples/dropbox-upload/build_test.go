package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newBuilder(t *testing.T) builder {
	t.Helper()
	dir := newProject(t)
	tool, err := findNPM(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := settings{mode: forward, port: defaultPort, pagePort: defaultPagePort, dir: dir}
	return builder{settings: s, npm: tool, variables: s.pageVariables(realDropbox()), stdout: t.Output(), stderr: t.Output()}
}

// calls builds, and returns what npm was called for.
func (b builder) calls(t *testing.T) string {
	t.Helper()
	file := filepath.Join(b.dir, "dist", callsFile)
	writeFile(t, file, "")
	if err := b.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Split(strings.TrimSpace(readFile(t, file)), "\n"), ", ")
}

func TestOnlyWhatIsNeededIsDone(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, b *builder)
		want   string
	}{
		{"nothing changes", func(*testing.T, *builder) {}, ""},
		{"the lock file is newer than the packages", func(t *testing.T, b *builder) {
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(b.dir, "package-lock.json"), later, later); err != nil {
				t.Fatal(err)
			}
		}, "ci"},
		{"the packages are gone", func(t *testing.T, b *builder) {
			if err := os.RemoveAll(filepath.Join(b.dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
		}, "ci"},
		{"a source changes", func(t *testing.T, b *builder) {
			writeFile(t, filepath.Join(b.dir, "src", "main.ts"), "2")
		}, "run build"},
		{"a source is added", func(t *testing.T, b *builder) {
			writeFile(t, filepath.Join(b.dir, "src", "more.ts"), "1")
		}, "run build"},
		{"a package changes", func(t *testing.T, b *builder) {
			writeFile(t, filepath.Join(b.dir, "package.json"), `{"type":"module"}`)
		}, "run build"},
		{"the README and the command change", func(t *testing.T, b *builder) {
			writeFile(t, filepath.Join(b.dir, "README.md"), "new")
			writeFile(t, filepath.Join(b.dir, "main.go"), "new")
			writeFile(t, filepath.Join(b.dir, "Caddyfile"), "new")
		}, ""},
		{"the port changes", func(_ *testing.T, b *builder) {
			b.port = 9999
			b.variables = b.pageVariables(realDropbox())
		}, "run build"},
		{"the mode changes", func(_ *testing.T, b *builder) {
			b.mode = returnMode
			b.variables = b.pageVariables(realDropbox())
		}, "run build"},
		{"somebody built another page", func(t *testing.T, b *builder) {
			writeFile(t, filepath.Join(b.dist(), "index.html"), "other")
		}, "run build"},
		{"the page is gone", func(t *testing.T, b *builder) {
			if err := os.RemoveAll(b.dist()); err != nil {
				t.Fatal(err)
			}
		}, "run build"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t)
			if got := b.calls(t); got != "ci, run build" {
				t.Fatalf("at first npm was called for %q", got)
			}
			tt.change(t, &b)
			if got := b.calls(t); got != tt.want {
				t.Errorf("npm was called for %q, want %q", got, tt.want)
			}
			if got := b.calls(t); got != "" && tt.want != "ci" {
				t.Errorf("it is not over: npm was called for %q", got)
			}
		})
	}
}

func TestAFailureOfNPMIsShown(t *testing.T) {
	b := newBuilder(t)
	writeFile(t, filepath.Join(b.dir, brokenFile), "")
	var out, problems strings.Builder
	b.stdout, b.stderr = &out, &problems
	checkError(t, b.build(t.Context()), "npm ci: exit status 1")
	if !strings.Contains(problems.String(), "this npm is broken") {
		t.Errorf("what npm said is missing: %q", &problems)
	}
}

func TestPackagesDoNotGetTheSecret(t *testing.T) {
	t.Setenv(clientIDVariable, "planted-id")
	t.Setenv(clientSecretVariable, "planted-secret")
	t.Setenv("VITE_API_URL", "http://elsewhere.example")
	b := newBuilder(t)
	_ = b.calls(t)
	page := readFile(t, filepath.Join(b.dist(), "index.html"))
	for _, planted := range []string{"planted-secret", "elsewhere.example"} {
		if strings.Contains(page, planted) {
			t.Errorf("npm got %s", planted)
		}
	}
	if !strings.Contains(page, "VITE_API_URL=http://localhost:8080/dropbox\n") {
		t.Error("npm did not get the page's variables")
	}
}
