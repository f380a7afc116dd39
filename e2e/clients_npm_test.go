package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOctokit(t *testing.T) {
	needsNPM(t)
	api := new(github)
	s := newSaaS(t, api)
	api.links = s.api.URL // as GitHub's lead to api.github.com
	s.startWith(githubHosts(s.api.URL), s.caddyfile, saasSite)
	want := `user octocat 4321
unchanged 304
issues 1,2,3
created 201 {"title":"grüße"}
asset 100000 application/x-own
limited 403 0
missing 404 Not Found
`
	if diff := cmp.Diff(want, runNPM(t, "octokit.js", "BASE_URL="+s.url("/saas"), "API_URL="+s.api.URL)); diff != "" {
		t.Errorf("octokit.js prints (-want +got):\n%s", diff)
	}
	s.arrived("GET", "/user", "Accept", "application/vnd.github.v3+json")
}

func TestSlackForNode(t *testing.T) {
	needsNPM(t)
	s := startSaaS(t, new(slackAPI))
	want := `user bot chat:write,channels:read
sent 1.000200 grüße & <b>
failed slack_webapi_platform_error channel_not_found
channels C1,C2
limited slack_webapi_rate_limited_error 30
`
	if diff := cmp.Diff(want, runNPM(t, "slack.js", "BASE_URL="+s.url("/saas/api/"))); diff != "" {
		t.Errorf("slack.js prints (-want +got):\n%s", diff)
	}
}

// Google's clients put uploads at the root of the host, so that the API has a site of its own here.
func TestGoogleDriveForNode(t *testing.T) {
	needsNPM(t)
	s := newSaaS(t, new(driveAPI))
	s.startWith("host main "+s.api.URL, s.caddyfile, "\ttoken_proxy saas/auth")
	want := `uploaded 1000 true
files one,two
downloaded body
missing 404 notFound
`
	if diff := cmp.Diff(want, runNPM(t, "drive.js", "BASE_URL="+s.url("/"))); diff != "" {
		t.Errorf("drive.js prints (-want +got):\n%s", diff)
	}
}

func needsNPM(t *testing.T) {
	t.Helper()
	needs(t, "node")
	if _, err := os.Stat(filepath.Join("clients", "node_modules")); err != nil {
		skipOrFail(t, "e2e/clients/node_modules (npm ci)")
	}
}

// runNPM runs a script in clients.
func runNPM(t *testing.T, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Dir, cmd.Stderr = "clients", t.Output()
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v", script, err)
	}
	return string(out)
}
