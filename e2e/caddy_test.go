package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// caddyServer is a Caddy in a process of its own, with a directory of its own for
// everything that it writes.
type caddyServer struct {
	t    *testing.T
	dir  string
	disk string // the directory of its database, if that is another one
	port int    // of its site
	env  []string

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	socks *http.Client  // speaks to the admin API
	leaky bool          // the test leaks secrets on purpose
}

// clientSecret is what configurations refer to as {env.CLIENT_SECRET}.
const clientSecret = "planted-client-secret-b7d1e0"

// newCaddy prepares a Caddy; start starts it. The test fails if it has written a secret down.
func newCaddy(t *testing.T) *caddyServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "caddy") //nolint:usetesting // the path of a socket has few bytes
	if err != nil {
		t.Fatal(err)
	}
	c := &caddyServer{t: t, dir: dir, port: freePort(t)}
	c.env = append(os.Environ(),
		"HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir,
		"CADDY_ADMIN=unix/"+c.socket(), "CLIENT_SECRET="+clientSecret)
	c.socks = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.socket())
		},
		DisableKeepAlives: true,
	}}
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("Caddy's output ends with:\n%s", tail(c.output(), 8<<10))
		}
		c.checkSecrets()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *caddyServer) socket() string   { return filepath.Join(c.dir, "admin") }
func (c *caddyServer) database() string { return filepath.Join(cmp.Or(c.disk, c.dir), "tokens.db") }
func (c *caddyServer) url(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", c.port, path)
}

// output returns what the process has printed so far, in all its lives.
func (c *caddyServer) output() []byte {
	out, err := os.ReadFile(filepath.Join(c.dir, "output"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Error(err)
	}
	return out
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// command returns the command caddy, with this Caddy's environment.
func (c *caddyServer) command(args ...string) *exec.Cmd {
	cmd := exec.Command(caddyBinary, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	return cmd
}

// start runs the configuration until stop, kill or the end of the test, and returns
// when Caddy serves it.
func (c *caddyServer) start(caddyfile string) {
	c.t.Helper()
	c.run(c.write(caddyfile))
	c.awaitReady()
}

// awaitReady returns when the configuration is in force, which is a little later than its sites answer.
func (c *caddyServer) awaitReady() {
	c.t.Helper()
	eventually(c.t, time.Minute, "Caddy is not ready", func() bool {
		select {
		case <-c.ended:
			c.t.Fatalf("Caddy ended: %v", c.cmd.ProcessState)
		default:
		}
		status, _, err := c.tryAdmin(http.MethodGet, "/token_store/ready", nil)
		return err == nil && status == http.StatusOK
	})
}

// write writes the configuration down and returns the name of its file.
func (c *caddyServer) write(caddyfile string) string {
	c.t.Helper()
	file := filepath.Join(c.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(caddyfile), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return file
}

func (c *caddyServer) run(file string) {
	c.t.Helper()
	out, err := os.OpenFile(filepath.Join(c.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer out.Close()
	cmd := c.command("run", "--config", file, "--adapter", "caddyfile")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	c.cmd, c.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // ProcessState has the result
		close(ended)
	}()
}

// stop asks Caddy to end, and waits until it has.
func (c *caddyServer) stop() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		c.t.Fatal("Caddy does not end")
	}
}

// kill ends Caddy as a crash does.
func (c *caddyServer) kill() {
	if c.cmd == nil {
		return
	}
	c.signal(syscall.SIGKILL)
	<-c.ended
}

func (c *caddyServer) signal(s os.Signal) {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Errorf("signal %s: %v", s, err)
	}
}

// get fetches a page of the site over a connection of its own.
func (c *caddyServer) get(path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url(path), nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	return http.DefaultClient.Do(req)
}

// caddyfile returns a configuration whose token_store and site have these lines.
func (c *caddyServer) caddyfile(tokenStore, site string) string {
	return c.caddyfileWith("", tokenStore, site)
}

// caddyfileWith is caddyfile with more global options.
func (c *caddyServer) caddyfileWith(options, tokenStore, site string) string {
	return fmt.Sprintf("{\n%s\n\tlog {\n\t\texclude admin http tls\n\t}\n\ttoken_store {\n\t\tstorage bolt %s\n%s\n\t}\n}\nhttp://127.0.0.1:%d {\n\tbind 127.0.0.1\n%s\n}\n",
		options, c.database(), tokenStore, c.port, strings.Trim(site, "\n"))
}
