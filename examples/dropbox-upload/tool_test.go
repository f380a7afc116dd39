package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The tests' npm needs no network. It notes its calls in a file, and a page that it builds
// is a list of the variables that it was built with.
const (
	callsFile       = "calls"        // beside package.json
	brokenFile      = "broken"       // if it is there, every call fails
	versionVariable = "TEST_NODE_IS" // the version of node
)

func playTool(program string, args []string) int {
	if program == "node" {
		fmt.Println(os.Getenv(versionVariable))
		return 0
	}
	if exists(brokenFile) {
		fmt.Println("this npm is broken")
		return 1
	}
	if err := playNPM(strings.Join(args, " ")); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func playNPM(args string) error {
	calls, err := os.OpenFile(filepath.Join("dist", callsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(calls, args); err != nil {
		return err
	}
	if err := calls.Close(); err != nil {
		return err
	}
	if args == "ci" {
		if err := os.MkdirAll("node_modules", 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join("node_modules", ".package-lock.json"), []byte("{}"), 0o600)
	}
	assets := filepath.Join("dist", os.Getenv("VITE_MODE"), "assets")
	if err := os.MkdirAll(assets, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(assets, "page-0f1e2d.js"), []byte("1"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(assets), "index.html"), []byte(strings.Join(os.Environ(), "\n")), 0o600)
}

// newProject makes a copy of this example with another page, makes it the working directory,
// and puts the tests' node and npm into the PATH.
func newProject(t *testing.T) (dir string) {
	t.Helper()
	caddyfile, err := os.ReadFile("Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	writeFile(t, filepath.Join(dir, "Caddyfile"), string(caddyfile))
	writeFile(t, filepath.Join(dir, "package.json"), "{}")
	writeFile(t, filepath.Join(dir, "package-lock.json"), "{}")
	writeFile(t, filepath.Join(dir, "src", "main.ts"), "1")
	writeFile(t, filepath.Join(dir, "dist", callsFile), "")
	t.Chdir(dir)

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, program := range []string{"node", "npm"} {
		if err := os.Symlink(self, filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv(versionVariable, "v22.12.0")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each call of npm otherwise
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
