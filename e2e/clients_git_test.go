package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Of git's settings none is needed, http.extraHeader in particular.
func TestGitClonesAndPushes(t *testing.T) {
	needs(t, "git")
	for name, inject := range map[string]string{"with a bearer": "", "with a password": "{\n inject basic x-access-token\n}"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := newSaaS(t, gitBackend(t, root))
			s.startWith(fmt.Sprintf("host main https://api.example.com\nhost git %s/scm %s", s.api.URL, inject), s.caddyfile, saasSite)
			s.sh("git", "init", "-q", "--bare", "-b", "main", filepath.Join(root, "r.git"))
			url := s.url("/saas/git/r.git")

			s.sh("git", "clone", "-q", url, "a")
			content := make([]byte, 2<<20) // more than http.postBuffer: it is sent in chunks
			_, _ = rand.NewChaCha8([32]byte{}).Read(content)
			if err := os.WriteFile(filepath.Join(s.dir, "a", "f"), content, 0o600); err != nil {
				t.Fatal(err)
			}
			s.sh("git", "-C", "a", "add", "f")
			s.sh("git", "-C", "a", "commit", "-qm", "one")
			s.requests()
			s.oauth.ExpireAccessTokens() // git gets to know nothing of it
			s.sh("git", "-C", "a", "push", "-q", "origin", "HEAD:main")
			s.arrived("POST", "/scm/r.git/git-receive-pack", "Content-Type", "application/x-git-receive-pack-request")

			s.sh("git", "clone", "-q", url, "b")
			s.arrived("GET", "/scm/r.git/info/refs", "Git-Protocol", "version=2")
			if got, err := os.ReadFile(filepath.Join(s.dir, "b", "f")); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the clone has %d bytes, %v", len(got), err)
			}
			if out, err := s.tryProgram("git", "ls-remote", s.api.URL+"/scm/r.git"); err == nil {
				t.Errorf("the server wants no token: %s", out)
			}
		})
	}
}

// gitBackend is git's own server, below /scm.
func gitBackend(t *testing.T, root string) http.Handler {
	t.Helper()
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"), Root: "/scm",
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=someone"}, Stderr: t.Output(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // CGI knows no chunks
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		in := r.Clone(r.Context())
		in.Body, in.ContentLength, in.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		backend.ServeHTTP(w, in)
	})
}
