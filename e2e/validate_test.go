package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestValidateBesideARunningServer(t *testing.T) {
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{})
	c.start(c.caddyfile(dropboxProvider(server), dropboxSite))
	importGrant(t, c, server, "auth")

	for _, args := range [][]string{
		{"validate", "--config", "Caddyfile"},
		{"adapt", "--config", "Caddyfile", "--validate"},
	} {
		if out, err := c.command(args...).CombinedOutput(); err != nil {
			t.Errorf("caddy %s: %v\n%s", args[0], err, out)
		}
	}
	checkServes(t, c)
}

func TestSecondCaddyOnTheSameDatabase(t *testing.T) {
	first := newCaddy(t)
	server := newDropbox(t, first, standin.Options{})
	provider := dropboxProvider(server)
	first.start(first.caddyfile(provider, dropboxSite))
	importGrant(t, first, server, "auth")

	second := newCaddy(t)
	config := strings.Replace(second.caddyfile(provider, dropboxSite), second.database(), first.database(), 1)
	out, took := runToItsEnd(t, second, config)
	for range 2 { // a machine that is busy with other things may be slow, but hardly three times
		if took > 2*time.Second {
			_, took = runToItsEnd(t, second, config)
		}
	}
	if !strings.Contains(out, first.database()) {
		t.Errorf("the error of the second Caddy does not name %s:\n%s", first.database(), out)
	}
	if took > 2*time.Second {
		t.Errorf("the second Caddy gave up after %s only", took)
	}
	checkServes(t, first)
}

// runToItsEnd runs a Caddy that must fail, and returns what it printed and how
// long it ran since its first word: when a loaded machine comes to start a process is not its fault.
func runToItsEnd(t *testing.T, c *caddyServer, config string) (out string, took time.Duration) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "Caddyfile"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := c.command("run", "--config", "Caddyfile")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var began time.Time
	var text strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if began.IsZero() {
			began = time.Now()
		}
		text.WriteString(lines.Text() + "\n")
	}
	took = time.Since(began)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() < 0 {
		t.Errorf("ended with %v, not with an error status", cmd.ProcessState)
	}
	return text.String(), took
}

// checkServes wants both routes of dropboxSite to work.
func checkServes(t *testing.T, c *caddyServer) {
	t.Helper()
	for _, r := range []route{proxyRoute, endpointRoute} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url(r.path), strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", r.contentType)
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", r.name, resp.Status)
		}
		_ = resp.Body.Close()
	}
}

func TestExampleCaddyfile(t *testing.T) {
	t.Run("starts with the two variables set", func(t *testing.T) {
		c := newCaddy(t)
		c.env = append(c.env, "DROPBOX_CLIENT_ID=demo", "DROPBOX_CLIENT_SECRET="+clientSecret)
		c.start(example(t, c))
		resp, err := http.Get("http://localhost:" + strconv.Itoa(c.port) + "/connect/dropbox-demo/auth")
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("the page to connect: %s", resp.Status)
		}
	})
	t.Run("says which variables are missing", func(t *testing.T) {
		c := newCaddy(t)
		out, _ := runToItsEnd(t, c, example(t, c))
		for _, name := range []string{"DROPBOX_CLIENT_ID", "DROPBOX_CLIENT_SECRET"} {
			if !strings.Contains(out, name) {
				t.Errorf("the error does not name %s:\n%s", name, out)
			}
		}
	})
	t.Run("is formatted", func(t *testing.T) {
		if out, err := exec.Command(caddyBinary, "fmt", "--diff", "../Caddyfile.example").CombinedOutput(); err != nil {
			t.Errorf("caddy fmt: %v\n%s", err, out)
		}
	})
}

// example returns Caddyfile.example with another port, since its own may be in use.
func example(t *testing.T, c *caddyServer) string {
	t.Helper()
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	const site = "\nhttp://localhost:8080 {"
	if !strings.Contains(string(text), site) {
		t.Fatalf("Caddyfile.example has no site %q", site)
	}
	return strings.Replace(string(text), site, "\nhttp://localhost:"+strconv.Itoa(c.port)+" {", 1)
}
