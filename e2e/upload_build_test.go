package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// uploadDir is the example that these tests are about.
const uploadDir = "../examples/dropbox-upload"

// The two variants of the page, as VITE_MODE has them.
const (
	forwardMode = "forward"
	returnMode  = "return"
)

// uploadPorts are where a test runs the example. They are built into the page.
type uploadPorts struct{ page, api, oauth, dropboxAPI, dropboxContent int }

func newUploadPorts(t *testing.T) uploadPorts {
	t.Helper()
	return uploadPorts{freePort(t), freePort(t), freePort(t), freePort(t), freePort(t)}
}

func (p uploadPorts) pageURL() string { return fmt.Sprintf("http://localhost:%d", p.page) }
func (p uploadPorts) apiURL() string  { return fmt.Sprintf("http://localhost:%d", p.api) }

// dropboxURLs are the addresses of the stand-in's parts.
func (p uploadPorts) dropboxURLs() (oauth, api, content string) {
	const local = "http://127.0.0.1:%d"
	return fmt.Sprintf(local, p.oauth), fmt.Sprintf(local, p.dropboxAPI), fmt.Sprintf(local, p.dropboxContent)
}

// buildUploadPages builds both variants of the page for the ports, and returns the directory
// that holds them by name.
func buildUploadPages(t *testing.T, ports uploadPorts) string {
	t.Helper()
	needs(t, "npm", "node")
	if _, err := os.Stat(filepath.Join(uploadDir, "node_modules")); errors.Is(err, fs.ErrNotExist) {
		inUploadDir(t, nil, "npm", "ci", "--no-audit", "--no-fund")
	}
	dist := t.TempDir()
	_, api, content := ports.dropboxURLs()
	var building sync.WaitGroup
	for _, mode := range []string{forwardMode, returnMode} {
		building.Go(func() {
			// Without the type check, which has nothing to do with what is built.
			inUploadDir(t, []string{
				"VITE_MODE=" + mode,
				"VITE_API_URL=" + ports.apiURL() + "/dropbox",
				"VITE_TOKEN_ENDPOINT=" + ports.apiURL() + "/dropbox-demo/token?subscription-key=of-azure",
				"VITE_DROPBOX_API_URL=" + api,
				"VITE_DROPBOX_CONTENT_URL=" + content,
			}, filepath.Join("node_modules", ".bin", "vite"), "build", "--outDir", filepath.Join(dist, mode))
		})
	}
	building.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return dist
}

func inUploadDir(t *testing.T, env []string, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Dir = uploadDir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", cmd, err, out)
	}
}
