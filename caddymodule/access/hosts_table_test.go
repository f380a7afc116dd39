package access_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// servedBy are the sites of the table of hosts that answer a Host; each has a port of its own.
type servedBy struct{ local, named, bare bool }

var (
	nobody = servedBy{}
	local  = servedBy{local: true, bare: true} // names of this machine, which a site for every host has too
	named  = servedBy{named: true}
)

// hostRow is the Host of a request to 127.0.0.1, with PORT for the port of the site.
type hostRow struct {
	host string
	by   servedBy
}

// hostRows are the names of the sites, and the names under which a page of somebody else can reach them.
func hostRows() []hostRow {
	rows := []hostRow{
		{"localhost:PORT", local}, {"localhost", local}, {"LOCALHOST:PORT", local}, {"LocalHost", local},
		// A site for one name answers to that alone; Caddy itself sees to it.
		{"127.0.0.1:PORT", servedBy{bare: true}}, {"127.0.0.1", servedBy{bare: true}}, {"[::1]:PORT", servedBy{bare: true}}, {"[::1]", servedBy{bare: true}},
		{"tokens.example:PORT", named}, {"tokens.example", named}, {"Tokens.EXAMPLE:PORT", named},
		// The port is not part of the name: a tunnel may have another one.
		{"localhost:1", local}, {"tokens.example:65535", named},
	}
	for _, host := range []string{
		"evil.example:PORT", "evil.example", "192.0.2.7:PORT", "xn--bcher-kva.example:PORT",
		// What a page can let its own name stand for, and other names of this machine.
		"127.0.0.1.evil.example:PORT", "localhost.evil.example:PORT", "tokens.example.evil.example:PORT", "eviltokens.example:PORT", "evil.tokens.example:PORT", "tokens.example2:PORT",
		"evil.localhost:PORT", "tokens.example.localhost:PORT", "localhost.localdomain:PORT", "ip6-localhost:PORT", "host.docker.internal:PORT",
		"localhost.:PORT", "localhost..:PORT", "tokens.example.:PORT", "127.0.0.1.:PORT", ".localhost:PORT",
		"127.1:PORT", "127.0.1:PORT", "127.0.0.2:PORT", "2130706433:PORT", "0x7f000001:PORT", "0x7f.1:PORT", "0177.0.0.1:PORT", "127.000.000.001:PORT",
		"0.0.0.0:PORT", "0:PORT", "[::]:PORT", "[::ffff:127.0.0.1]:PORT", "[::ffff:7f00:1]:PORT", "[0:0:0:0:0:0:0:1]:PORT", "[::1%25lo]:PORT", "[fe80::1%25lo]:PORT", "[::127.0.0.1]:PORT",
		"[localhost]:PORT", "[127.0.0.1]:PORT", "[]:PORT", "::1", "[::1", "[::1]evil.example",
		":PORT", "localhost:", "localhost:PORT:PORT", "localhost:-1", "localhost:+PORT", "localhost:999999", "localhost:evil.example", "tokens.example:evil",
		"localhost@evil.example:PORT", "evil.example@localhost:PORT", "localhost%00:PORT", "localhost%2eevil.example:PORT", "localhost,evil.example", "localhost;evil.example", "localhost'", "*", "*.example",
		"l\u043ecalhost:PORT", "localho\u017ft:PORT", "tokens\u3002example:PORT", "localhost\u200b:PORT", "localhost\xff:PORT",
		"localhost evil.example", "localhost/evil.example", "localhost\\evil.example", "localhost?", "localhost#", "localhost\x00",
		strings.Repeat("a.", 4<<10) + "localhost:PORT", "localhost:" + strings.Repeat("0", 4<<10) + "1",
	} {
		rows = append(rows, hostRow{host, nobody})
	}
	return rows
}

// lineRows are requests whose line has a name, or whose header has not one Host.
func lineRows() []struct {
	target string
	lines  []string
	by     servedBy
} {
	return []struct {
		target string
		lines  []string
		by     servedBy
	}{
		// The name in the line counts, as RFC 9112 section 3.2.2 wants it.
		{"http://localhost:PORT/token", []string{"Host: localhost:PORT"}, local},
		{"http://localhost:PORT/token", []string{"Host: evil.example"}, local},
		{"http://evil.example/token", []string{"Host: localhost:PORT"}, nobody},
		{"http://evil.example:PORT/api/x", []string{"Host: tokens.example:PORT"}, nobody},
		{"http://tokens.example:PORT/token", []string{"Host: evil.example"}, named},
		{"https://localhost:PORT/token", []string{"Host: localhost:PORT"}, local},
		{"http://user@localhost:PORT/token", []string{"Host: localhost:PORT"}, nobody},
		{"http://evil.example@localhost:PORT/token", []string{"Host: evil.example"}, nobody},
		{"http:///token", []string{"Host: localhost:PORT"}, local}, // there is none in the line
		{"http:///token", []string{"Host: evil.example"}, nobody},
		{"/token", []string{"Host: localhost:PORT", "Host: evil.example"}, nobody},
		{"/token", []string{"Host: evil.example", "Host: localhost:PORT"}, nobody},
		{"/token", []string{"Host: localhost:PORT", "Host: localhost:PORT"}, nobody},
		{"/token", []string{"Host : localhost:PORT"}, nobody},
		{"/token", []string{"X: y"}, nobody},
		{"/token", []string{"Host:"}, nobody},
		{"/token", []string{"Host: evil.example", "X-Forwarded-Host: localhost:PORT"}, nobody},
		{"/token", []string{"Host: evil.example", "Forwarded: host=localhost:PORT"}, nobody},
		{"/token", []string{"Host: evil.example", "X-Host: localhost", "X-Original-Host: localhost", ":authority: localhost"}, nobody},
		{"/token", []string{"Host: evil.example", "Origin: http://localhost:5173"}, nobody},
		{"/token", []string{"Host: evil.example", "Sec-Fetch-Site: same-origin", "Referer: http://localhost/"}, nobody},
	}
}

// hostSites are three sites with the same routes, on a port each.
type hostSites struct {
	*testcaddy.Server
	standin *standin.Server
	ports   [3]int // local, named, bare
	token   string
}

func newHostSites(t *testing.T) *hostSites {
	t.Helper()
	server := standin.New(standin.Options{Clients: []standin.Client{{ID: "demo", Secret: "demo-canary"}}})
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s := &hostSites{Server: testcaddy.New(t), standin: server}
	var sites strings.Builder
	for i, name := range []string{"localhost", "tokens.example", ""} {
		s.ports[i] = testcaddy.FreePort(t)
		fmt.Fprintf(&sites, "http://%s:%d {\n\tbind 127.0.0.1\n\ttoken_endpoint /token robot/one {\n\t\tallow local\n\t\tallow origin http://localhost:5173\n\t}\n\thandle_path /api/* {\n\t\ttoken_proxy robot/one\n\t}\n}\n", name, s.ports[i])
	}
	provider := fmt.Sprintf("provider robot {\n grant client_credentials\n client_id demo\n client_secret demo-canary\n token_url %s/oauth2/token\n host api %s\n}", server.OAuthURL(), server.APIURL())
	raw := strings.ReplaceAll(string(s.Adapt(provider, sites.String())), `"listen":`, `"protocols":["h1","h2c"],"listen":`)
	if err := caddy.Load([]byte(raw), true); err != nil {
		t.Fatal(err)
	}
	s.token = sendRaw(t, s.ports[0], "GET", "/token", []string{"Host: localhost"}, "").text
	if len(s.token) < 20 {
		t.Fatalf("the token is %q", s.token)
	}
	return s
}

// check looks at what came of a request.
func (s *hostSites) check(t *testing.T, what string, site int, by servedBy, before int, a answer) {
	t.Helper()
	want := [3]bool{by.local, by.named, by.bare}[site]
	name := [3]string{"localhost", "by a name", "for every host"}[site]
	went := s.standin.Requests("") - before
	hasToken := strings.Contains(fmt.Sprint(a), s.token)
	switch {
	case want && strings.Contains(what, "/token") && (a.status != http.StatusOK || !hasToken || went != 0):
		t.Errorf("%s, the site %s: status %d, %d requests went on, %q", what, name, a.status, went, a.text)
	case want && strings.Contains(what, "/api") && (went != 1 || hasToken):
		t.Errorf("%s, the site %s: status %d, %d requests went on, %q", what, name, a.status, went, a.text)
	case !want && (went != 0 || hasToken):
		t.Errorf("%s, the site %s: status %d, %d requests went on, %q", what, name, a.status, went, a.text)
	case !want && a.status/100 != 4 && (a.status != http.StatusOK || a.text != ""): // Caddy's own answer where there is no such site
		t.Errorf("%s, the site %s: status %d, %q", what, name, a.status, a.text)
	case !want && site == 2 && a.status != http.StatusMisdirectedRequest && a.status != http.StatusBadRequest && a.status != http.StatusForbidden:
		t.Errorf("%s, the site %s: status %d, %q", what, name, a.status, a.text)
	}
}

// TestHostsTable sends each Host to a site for localhost, to one with a name and to one for every host, in HTTP/1.1 and in HTTP/2.
func TestHostsTable(t *testing.T) {
	s := newHostSites(t)
	requests := 0
	for _, row := range hostRows() {
		for site, port := range s.ports {
			host := strings.ReplaceAll(row.host, "PORT", fmt.Sprint(port))
			for _, target := range []string{"/token", "/api/x"} {
				before := s.standin.Requests("")
				a := sendRaw(t, port, "GET", target, []string{"Host: " + host}, "")
				s.check(t, fmt.Sprintf("%.60q, GET %s", row.host, target), site, row.by, before, a)
				requests++
			}
			before := s.standin.Requests("")
			if a, sent := s.sendHTTP2(t, port, host); sent {
				s.check(t, fmt.Sprintf("%.60q, HTTP/2, GET /token", row.host), site, row.by, before, a)
				requests++
			}
		}
	}
	for _, row := range lineRows() {
		for site, port := range s.ports {
			number := fmt.Sprint(port)
			lines := strings.Split(strings.ReplaceAll(strings.Join(row.lines, "\n"), "PORT", number), "\n")
			before := s.standin.Requests("")
			a := sendRaw(t, port, "GET", strings.ReplaceAll(row.target, "PORT", number), lines, "")
			s.check(t, fmt.Sprintf("GET %s with %q", row.target, row.lines), site, row.by, before, a)
			requests++
		}
	}
	rows := len(hostRows()) + len(lineRows())
	t.Logf("%d hosts x 3 sites, to 2 routes and in HTTP/1.1 and HTTP/2: %d requests", rows, requests)
	if rows < 40 {
		t.Errorf("only %d hosts", rows)
	}
}

// sendHTTP2 gets /token with host as the :authority. sent is false for what a client refuses to send.
func (s *hostSites) sendHTTP2(t *testing.T, port int, host string) (a answer, sent bool) {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	res, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(r)
	if err != nil {
		return a, false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}, true
}
