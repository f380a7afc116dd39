package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

//go:embed testdata/hostile.html
var hostileHTML string

// hostileSite is Caddy with routes of all kinds, on a site with a name and on one for every host, and a web server with a page.
// Only as http://localhost is the page allowed.
type hostileSite struct {
	*caddyServer
	server *standin.Server
	pages  *httptest.Server
	any    int // the port of the site for every host
	named  int // the port of a site with a name, whose browsers do not count it as safe, and with the page on it
	token  string
}

// hostileRules are who may use a route, by the routes' names; %d is the port of the page.
var hostileRules = map[string]string{
	"local":  "allow local",
	"origin": "allow origin http://localhost:%d",
	"both":   "allow local\nallow origin http://localhost:%d",
}

func newHostileSite(t *testing.T) *hostileSite {
	t.Helper()
	c := newCaddy(t)
	s := &hostileSite{caddyServer: c, server: newDropbox(t, c, standin.Options{}), any: freePort(t), named: freePort(t)}
	s.pages = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, hostileHTML)
	}))
	t.Cleanup(s.pages.Close)
	c.start(s.caddyfile(s.any))
	s.token = importGrant(t, c, s.server, "auth").AccessToken
	return s
}

// caddyfile has the site for localhost, and one for every host at each of the other ports.
func (s *hostileSite) caddyfile(ports ...int) string {
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		s.t.Fatal(err)
	}
	var routes, sites strings.Builder
	for name, rule := range hostileRules {
		if strings.Contains(rule, "%d") {
			rule = fmt.Sprintf(rule, s.pagePort())
		}
		fmt.Fprintf(&routes, "token_endpoint /%[1]s/token dropbox-demo/auth {\n%[2]s\n}\nhandle_path /%[1]s/api/* {\ntoken_proxy dropbox-demo/auth {\n%[2]s\n}\n}\n", name, rule)
	}
	fmt.Fprintf(&sites, "http://page.test:%d {\n\timport routes\n\troot %s\n\tfile_server /hostile.html\n}\n", s.named, testdata)
	for _, port := range ports {
		fmt.Fprintf(&sites, "http://:%d {\n\timport routes\n}\n", port)
	}
	return fmt.Sprintf("{\n\ttoken_store {\n\t\tstorage bolt %s\n%s\n\t}\n}\n(routes) {\n\tbind 127.0.0.1\n\tlog {\n\t\toutput file %s\n\t}\n%s\n}\nhttp://localhost:%d {\n\timport routes\n}\n%s",
		s.database(), dropboxProvider(s.server), s.accessLog(), routes.String(), s.port, sites.String())
}

func (s *hostileSite) accessLog() string { return filepath.Join(s.dir, "access.log") }
func (s *hostileSite) pagePort() int {
	var port int
	_, _ = fmt.Sscanf(s.pages.URL, "http://127.0.0.1:%d", &port)
	return port
}

// page returns the address of the page as a host.
func (s *hostileSite) page(host string) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.pagePort())) + "/"
}

// targets returns the routes of all kinds as hosts with a port, and an upload that needs no preflight.
func targets(hostports ...string) (urls []string) {
	for _, hostport := range hostports {
		for name := range hostileRules {
			urls = append(urls,
				fmt.Sprintf("http://%s/%s/token", hostport, name),
				fmt.Sprintf("http://%s/%s/api/2/users/get_current_account?reject_cors_preflight=true", hostport, name),
			)
		}
	}
	slices.Sort(urls)
	return urls
}

// sight is what a page has seen of an answer.
type sight struct{ How, URL, Seen string }

// seen tells in which requests the page has learnt what.
func seen(all []sight) (told []string) {
	for _, s := range all {
		if s.Seen != "" {
			told = append(told, fmt.Sprintf("%s to %s: %.200s", s.How, s.URL, s.Seen))
		}
	}
	return told
}

// request is a line of the access log.
type request struct {
	Request struct {
		Method, Host, URI string
		Headers           http.Header
	}
	Status int
}

// requests returns what Caddy has answered so far.
func (s *hostileSite) requests() (all []request) {
	s.t.Helper()
	raw, err := os.ReadFile(s.accessLog())
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var r request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatalf("%v: %s", err, line)
		}
		if r.Request.URI != "/favicon.ico" { // the browser's own idea, which it gives up when the tab is closed
			all = append(all, r)
		}
	}
	return all
}

// TestHostilePages lets pages of several origins try all that a page can, in a real browser, on routes of each kind.
func TestHostilePages(t *testing.T) {
	b := startChromium(t, chromedp.Flag("host-resolver-rules", "MAP evil.test 127.0.0.1, MAP *.test 127.0.0.1"))
	s := newHostileSite(t)
	t.Run("a page that is allowed, as a control", func(t *testing.T) { s.testAllowedPage(t, b) })
	before := s.server.Requests("")
	everywhere := targets(fmt.Sprintf("localhost:%d", s.port), fmt.Sprintf("127.0.0.1:%d", s.any))
	for _, tt := range []struct {
		name, page string
		targets    []string
	}{
		{"a page of another host", s.page("evil.test"), everywhere},
		{"a page of a name below", s.page("localhost.evil.test"), everywhere},
		{"a page of the same host by another name", s.page("127.0.0.1"), everywhere},
		{"a page whose name leads here", s.page("evil.test"), targets(fmt.Sprintf("evil.test:%d", s.any))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := b.newTab(t)
			p.visit(tt.page)
			if told := seen(s.attack(t, p, tt.targets)); len(told) > 0 {
				t.Errorf("the page has seen:\n%s", strings.Join(told, "\n"))
			}
		})
	}
	t.Run("a page that was rebound", func(t *testing.T) { s.testReboundPage(t, b) })
	t.Run("a page of the site itself", func(t *testing.T) {
		p := b.newTab(t)
		p.visit(fmt.Sprintf("http://page.test:%d/hostile.html", s.named))
		checkRefusals(t, s.attack(t, p, targets(fmt.Sprintf("page.test:%d", s.named))))
	})
	t.Run("addresses that are opened", func(t *testing.T) { s.testNavigation(t, b) })
	if n := s.server.Requests("") - before; n != 0 { // also of what outlives its page
		t.Errorf("%d requests have reached Dropbox", n)
	}
}

// attack lets the page in p try everything, none of which may come through, and returns what it has seen.
func (s *hostileSite) attack(t *testing.T, p *tab, urls []string) (all []sight) {
	t.Helper()
	before, logged := s.server.Requests(""), len(s.requests())
	list, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	p.eval(fmt.Sprintf("attack(%s)", list), &all)
	if n := s.server.Requests("") - before; n != 0 {
		t.Errorf("%d requests have reached Dropbox", n)
	}
	arrived := s.requests()[logged:]
	statuses, nulls := make(map[int]int), 0
	for _, r := range arrived {
		statuses[r.Status]++
		if slices.Contains(r.Request.Headers["Origin"], "null") {
			nulls++
		}
		if r.Status != http.StatusForbidden && r.Status != http.StatusMisdirectedRequest {
			t.Errorf("%s %s as %s of %q: status %d", r.Request.Method, r.Request.URI, r.Request.Host, r.Request.Headers["Origin"], r.Status)
		}
	}
	for _, a := range all {
		if strings.Contains(a.Seen, s.token) || strings.Contains(a.Seen, "account_id") {
			t.Errorf("%s to %s: the page has %s", a.How, a.URL, a.Seen)
		}
	}
	t.Logf("%d attempts; %d requests came to Caddy, %d of them of the origin null, with the statuses %v", len(all), len(arrived), nulls, statuses)
	// The browser must not have been the one to refuse.
	if len(arrived) < len(all)/2 || nulls == 0 {
		t.Error("too few requests have come to Caddy")
	}
	return all
}

// testAllowedPage shows that the same page can do all this where it is allowed to.
func (s *hostileSite) testAllowedPage(t *testing.T, b *chromium) {
	p := b.newTab(t)
	p.visit(s.page("localhost"))
	var all []sight
	list, err := json.Marshal(targets(fmt.Sprintf("localhost:%d", s.port)))
	if err != nil {
		t.Fatal(err)
	}
	p.eval(fmt.Sprintf("attack(%s)", list), &all)
	for _, rule := range []string{"origin", "both", "local"} {
		var token, account bool
		for _, a := range all {
			if !strings.Contains(a.URL, "/"+rule+"/") || a.How != "POST" && a.How != "POST of JSON" {
				continue
			}
			token = token || a.Seen == "200 "+s.token
			account = account || strings.HasPrefix(a.Seen, "200 ") && strings.Contains(a.Seen, "account_id")
		}
		if allowed := rule != "local"; token != allowed || account != allowed {
			t.Errorf("allow %s: the page has the token: %t, the account: %t", rule, token, account)
		}
	}
	for _, a := range all {
		if strings.Contains(a.How, "sandboxed") && a.Seen != "" {
			t.Errorf("%s to %s: a sandboxed frame of the page has seen %s", a.How, a.URL, a.Seen)
		}
	}
}

// testReboundPage has a page whose host stood for another server when it was loaded: for the browser, Caddy is of the same origin.
func (s *hostileSite) testReboundPage(t *testing.T, b *chromium) {
	port := freePort(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	theirs := httptest.NewUnstartedServer(s.pages.Config.Handler)
	_ = theirs.Listener.Close()
	theirs.Listener = listener
	theirs.Start()
	p := b.newTab(t)
	p.visit(fmt.Sprintf("http://evil.test:%d/", port))
	theirs.Close()
	s.reload(s.caddyfile(s.any, port))
	checkRefusals(t, s.attack(t, p, targets(fmt.Sprintf("evil.test:%d", port))))
}

// checkRefusals wants a page of the same origin, which may read what it is told, to have been told that it is refused.
func checkRefusals(t *testing.T, all []sight) {
	t.Helper()
	refusals := 0
	for _, a := range all {
		if strings.Contains(a.Seen, "problems.md#wrong_host") || strings.Contains(a.Seen, "problems.md#origin_not_allowed") {
			refusals++
		} else if a.Seen != "" {
			t.Errorf("%s to %s: %s", a.How, a.URL, a.Seen)
		}
	}
	if refusals == 0 {
		t.Error("for the browser, the page is one of another origin")
	}
}

// testNavigation opens the routes as a person would who follows a link.
func (s *hostileSite) testNavigation(t *testing.T, b *chromium) {
	p := b.newTab(t)
	for _, url := range targets(fmt.Sprintf("localhost:%d", s.port), fmt.Sprintf("evil.test:%d", s.any)) {
		p.visit(url)
		var text string
		p.eval("document.documentElement.innerText", &text)
		if !strings.Contains(text, "problems.md#") || strings.Contains(text, s.token) {
			t.Errorf("%s: %s", url, text)
		}
	}
}
