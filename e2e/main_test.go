package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// caddyBinary is the binary under test, built once for all tests.
var caddyBinary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if caddyBinary, err = build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "building Caddy:", err)
		return 1
	}
	return leaktest.Run(m)
}

// build returns the path of Caddy, built as its users build it: in the module
// above, with the versions of that one.
func build(dir string) (string, error) {
	if given := os.Getenv("E2E_CADDY"); given != "" {
		return filepath.Abs(given)
	}
	binary := filepath.Join(dir, "caddy")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/caddy")
	cmd.Dir = ".."
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return binary, cmd.Run()
}
