package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/sys/unix"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// stranger is a user id that nothing on the machine has.
const stranger = 54321

// socketSite is a site on a unix socket and a port, and its address on the port.
type socketSite struct {
	*testcaddy.Server
	socket, url string
}

// newSocketSite runs one whose routes have these rules, in Caddy with these global options.
func newSocketSite(t *testing.T, options, site string) *socketSite {
	t.Helper()
	dir, err := os.MkdirTemp("", "uid") //nolint:usetesting // others have to get in, and the path of a socket has few bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, _, providers, _ := testcaddy.NewAcme(t)
	port := testcaddy.FreePort(t)
	c := &socketSite{Server: s, socket: filepath.Join(dir, "s"), url: fmt.Sprintf("http://localhost:%d", port)}
	raw := s.Adapt("audit\n"+providers, fmt.Sprintf("%s {\n bind 127.0.0.1 unix/%s|0222\n%s\n}", c.url, c.socket, site))
	if options != "" {
		raw = []byte(strings.Replace(string(raw), `"listen":`, options+`,"listen":`, 1))
	}
	if err := caddy.Load(raw, true); err != nil {
		t.Fatal(err)
	}
	return c
}

// get asks for the token through the socket as a user of the machine, or through the port if uid is -1.
func (c *socketSite) get(path string, uid int, headers ...string) (status int, body string) {
	c.T.Helper()
	transport := new(http.Transport)
	if uid >= 0 {
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return dialAs(c.socket, uid) }
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(c.T.Context(), http.MethodGet, c.url+path, nil)
	if err != nil {
		c.T.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(r)
	if err != nil {
		c.T.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.T.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// dialAs connects to a socket as if the process ran as that user.
func dialAs(socket string, uid int) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // for good: the thread, which is somebody else's now, ends with the goroutine
		conn, err := func() (net.Conn, error) {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return nil, err
			}
			f := os.NewFile(uintptr(fd), socket)
			defer f.Close()
			// The system call itself changes this thread alone; package syscall would change them all.
			if uid != os.Getuid() {
				if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
					return nil, errno
				}
			}
			if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
				return nil, err
			}
			return net.FileConn(f)
		}()
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

// needsRoot skips a test that acts as somebody else.
func needsRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Getuid() == 0:
	case os.Getenv("CI") == "true":
		t.Fatal("this test needs root to connect as another user, and CI=true forbids to skip it")
	default:
		t.Skip("SKIPPED: this test needs root to connect as another user")
	}
}

func TestOnlyListedUsersReachARouteThroughItsSocket(t *testing.T) {
	needsRoot(t)
	s := newSocketSite(t, "", fmt.Sprintf(`
		token_endpoint /root robot/one {
			allow local uid root
		}
		token_endpoint /stranger robot/one {
			allow local uid %[1]d
		}
		token_endpoint /both robot/one {
			allow local uid 0
			allow local uid %[1]d
		}
		token_endpoint /everybody robot/one {
			allow local
		}`, stranger))
	const port = -1
	for _, tc := range []struct {
		name, path string
		uid        int
		headers    []string
		want       int
	}{
		{name: "the user by name", path: "/root", uid: 0, want: 200},
		{name: "the user by number", path: "/stranger", uid: stranger, want: 200},
		{name: "one of two", path: "/both", uid: stranger, want: 200},
		{name: "the other one", path: "/both", uid: 0, want: 200},
		{name: "another user", path: "/root", uid: stranger, want: 403},
		{name: "even root", path: "/stranger", uid: 0, want: 403},
		{name: "nobody in particular, through the port", path: "/both", uid: port, want: 403},
		{name: "everybody, through the port", path: "/everybody", uid: port, want: 200},
		{name: "everybody, through the socket", path: "/everybody", uid: stranger, want: 200},
		{name: "the user's browser", path: "/root", headers: []string{"Sec-Fetch-Site: none"}, want: 403},
		{name: "a proxy that runs as the user", path: "/root", headers: []string{"X-Forwarded-For: 192.0.2.7"}, want: 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if status, body := s.get(tc.path, tc.uid, tc.headers...); status != tc.want {
				t.Errorf("status %d, not %d: %s", status, tc.want, body)
			}
		})
	}
	s.Stop() // all is written then
	wantAudit(t, s.Log(), `"caller":"local","name":"root"`, `"uid":0`, `"status":200`)
	wantAudit(t, s.Log(), `"caller":"local","name":"54321"`, `"uid":54321`, `"status":200`)
	wantAudit(t, s.Log(), `"caller":"","name":""`, `"uid":54321`, `"refused":"caller_not_allowed"`)
}

// wantAudit fails unless one record of the audit has all the parts.
func wantAudit(t *testing.T, log string, parts ...string) {
	t.Helper()
next:
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"logger":"token_store.audit"`) {
			continue
		}
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		return
	}
	t.Errorf("no record of the audit has %q", parts)
}

func TestEachLocalUserHasAConnectionOfTheirOwn(t *testing.T) {
	needsRoot(t)
	s := newSocketSite(t, "", fmt.Sprintf("token_endpoint robot/of-{token_store.caller} {\n allow local uid root %d\n}", stranger))
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"of-root", "of-" + strconv.Itoa(stranger)} {
		if _, err := store.Refresh(t.Context(), testcaddy.ID("robot/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	status, mine := s.get("/", 0)
	statusOfOther, other := s.get("/", stranger)
	if status != 200 || statusOfOther != 200 || mine == other {
		t.Errorf("status %d and %d, and the same token: %t", status, statusOfOther, mine == other)
	}
}

// Caddy wraps a connection where a server speaks one version of HTTP alone.
func TestTheUserIsKnownToAServerOfHTTP1Alone(t *testing.T) {
	s := newSocketSite(t, `"protocols":["h1"]`, fmt.Sprintf("token_endpoint robot/one {\n allow local uid %d\n}", os.Getuid()))
	if status, body := s.get("/", os.Getuid()); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
}

func TestUsersThatCannotBeToldApartAreRefused(t *testing.T) {
	t.Setenv("SOME_USER", "root")
	for name, tc := range map[string]struct {
		bind, rules string
		want        []string
	}{
		"no socket":               {"127.0.0.1", "allow local uid root", []string{"allow local uid: only a unix socket tells", "bind unix/"}},
		"a user that is not here": {"unix//tmp/s", "allow local uid nobody-of-that-name", []string{`no user "nobody-of-that-name"`}},
		"a number too high":       {"unix//tmp/s", "allow local uid 4294967296", []string{"4294967296 is no user id"}},
		"the number of no user":   {"unix//tmp/s", "allow local uid 4294967295", []string{"4294967295 is no user id"}},
		"one user twice":          {"unix//tmp/s", "allow local uid 0 root", []string{"0 and root are one user"}},
		"one user as placeholder": {"unix//tmp/s", "allow local uid 0 {env.SOME_USER}", []string{"0 and root are one user"}},
		"the user of nobody":      {"unix//tmp/s", "allow local uid 65534", []string{"every user of another container"}},
		"all users and some":      {"unix//tmp/s", "allow local\nallow local uid root", []string{"take one of them away"}},
		"no user":                 {"unix//tmp/s", "allow local uid", []string{"use allow local, allow local uid <user...>"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, providers, _ := testcaddy.NewAcme(t)
			text := fmt.Sprintf("{\nadmin off\ntoken_store {\n%s\n}\n}\nhttp://localhost:%d {\nbind %s\ntoken_endpoint robot/one {\n%s\n}\n}", providers, testcaddy.FreePort(t), tc.bind, tc.rules)
			raw, err := testcaddy.Adapt(text)
			if err == nil {
				var config caddy.Config
				if err = json.Unmarshal(raw, &config); err == nil {
					err = caddy.Validate(&config)
				}
			}
			testcaddy.WantError(t, err, tc.want...)
		})
	}
}
