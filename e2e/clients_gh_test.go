package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gh speaks plain HTTP through the socket, and names api.github.com all the same. It wants a token to begin with: any will do.
func TestGHThroughAUnixSocket(t *testing.T) {
	needs(t, "gh")
	s := newSaaS(t, &github{links: "https://api.github.com"})
	socket := filepath.Join(s.dir, "gh.sock")
	s.startWith("host main "+s.api.URL, func(tokenStore, site string) string {
		return s.caddyfile(tokenStore, "respond plain") + fmt.Sprintf("http://api.github.com {\n\tbind unix/%s\n%s\n}\n", socket, site)
	}, fmt.Sprintf("\ttoken_proxy saas/auth {\n\t\tallow local uid %d\n\t}", os.Getuid()))
	s.sh("gh", "config", "set", "http_unix_socket", socket)

	if out := s.sh("gh", "api", "user", "--jq", ".login"); out != "octocat\n" {
		t.Errorf("user: %s", out)
	}
	for _, r := range s.requests() {
		if got := r.Header.Get("Authorization"); strings.Contains(got, "the-users-own") {
			t.Errorf("gh's own token arrives")
		}
		if r.Header.Get("Time-Zone") == "" {
			t.Errorf("gh's Time-Zone does not arrive")
		}
	}
	if out := s.sh("gh", "api", "--paginate", "repos/o/r/issues", "--jq", ".[].title"); out != "issue 1\nissue 2\nissue 3\n" {
		t.Errorf("pages: %s", out)
	}
	if out := s.sh("gh", "api", "repos/o/r/issues", "-f", "title=new", "--jq", ".number"); out != "7\n" {
		t.Errorf("a new issue: %s", out)
	}
	if out := s.sh("gh", "api", "graphql", "-f", "query={viewer{login}}", "--jq", ".data.viewer.login"); out != "octocat\n" {
		t.Errorf("GraphQL: %s", out)
	}
	if out, err := s.tryProgram("gh", "api", "nowhere"); err == nil || !strings.Contains(out, "Not Found (HTTP 404)") {
		t.Errorf("an error's text: %v: %s", err, out)
	}
}
