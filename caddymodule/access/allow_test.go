package access

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
)

// newTestGate returns a gate of a server with one site.
func newTestGate(t *testing.T, a Access, hosts ...string) *gate {
	t.Helper()
	g, err := newGate(a, ProxyCORS(), siteNamed(hosts...), noKeys, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func siteNamed(hosts ...string) site.Site {
	if len(hosts) == 0 {
		return site.Site{}
	}
	return site.Site{Hosts: []*caddyhttp.MatchHost{(*caddyhttp.MatchHost)(&hosts)}}
}

// newRequest makes a request as Caddy hands it to a handler: from this machine, with no
// header but those given as "Name: value".
func newRequest(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = "127.0.0.1:50000"
	r = r.WithContext(arrivedAt(r.Context(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), new(caddyhttp.Server))
}

// arrivedAt is the context that a server gives to what arrives at an address.
func arrivedAt(ctx context.Context, local net.Addr) context.Context {
	return context.WithValue(ctx, http.LocalAddrContextKey, local)
}

// try puts r before g and returns the answer, and whether r may go on.
func try(g *gate, r *http.Request) (*http.Response, bool) {
	w := httptest.NewRecorder()
	_, _, ok := g.admit(w, r)
	return w.Result(), ok
}

const admitted = 0 // in place of the status of a refusal

// checkAdmission compares what came of r with the status that is wanted.
func checkAdmission(t *testing.T, g *gate, r *http.Request, want int) {
	t.Helper()
	res, ok := try(g, r)
	if ok != (want == admitted) || !ok && res.StatusCode != want {
		t.Errorf("admitted %t, status %d; want %d", ok, res.StatusCode, want)
	}
	if got := res.Header["Vary"]; len(got) != 1 || got[0] != "Origin" {
		t.Errorf("Vary %q, want Origin", got)
	}
	if acao := res.Header.Get("Access-Control-Allow-Origin"); !ok && acao != "" && !g.cors.allows(r.Header.Get("Origin")) {
		t.Errorf("refused with Access-Control-Allow-Origin %q", acao)
	}
}

func TestLocalRuleLooksAtTheCaller(t *testing.T) {
	g := newTestGate(t, Access{})
	for _, tc := range []struct {
		name    string
		peer    string // 127.0.0.1:50000 if empty
		headers []string
		want    int
	}{
		{name: "a program of this machine", want: admitted},
		{name: "a program over IPv6", peer: "[::1]:50000", want: admitted},
		{name: "a program whose IPv4 address comes mapped", peer: "[::ffff:127.0.0.1]:50000", want: admitted},
		{name: "a program that uses another loopback address", peer: "127.8.9.1:50000", want: admitted},
		{name: "curl", headers: []string{"User-Agent: curl/8.5.0", "Accept: */*"}, want: admitted},
		{name: "fetch of Node.js", headers: []string{"User-Agent: node", "Sec-Fetch-Mode: cors", "Accept-Language: *"}, want: admitted},
		{name: "PowerShell", headers: []string{"User-Agent: Mozilla/5.0 (Windows NT 10.0; en-US) PowerShell/7.4.1"}, want: admitted},
		{name: "a WebSocket client that is no browser", headers: []string{"Upgrade: websocket", "Sec-WebSocket-Key: x"}, want: admitted},

		{name: "a program of another machine", peer: "192.0.2.7:50000", want: 403},
		{name: "a program of another machine that claims to be here", peer: "192.0.2.7:50000", headers: []string{"X-Forwarded-For: 127.0.0.1"}, want: 403},
		{name: "a peer without an address that is at no unix socket", peer: "@", want: 403},
		{name: "a proxy of this machine", headers: []string{"X-Forwarded-For: 192.0.2.7"}, want: 403},
		{name: "a proxy that says Forwarded", headers: []string{"Forwarded: for=192.0.2.7"}, want: 403},
		{name: "a tunnel", headers: []string{"Cf-Connecting-Ip: 192.0.2.7"}, want: 403},
		{name: "a proxy that says Via", headers: []string{"Via: 1.1 p"}, want: 403},
		{name: "a proxy that tells only of the scheme", headers: []string{"X-Forwarded-Proto: https"}, want: 403},
		{name: "a mesh", headers: []string{"X-Envoy-External-Address: 192.0.2.7"}, want: 403},
		{name: "Tailscale's serve", headers: []string{"Tailscale-User-Login: mallory@example.com"}, want: 403},
		{name: "ngrok", headers: []string{"Ngrok-Auth-User-Id: 1"}, want: 403},
		{name: "a content delivery network", headers: []string{"Cdn-Loop: example"}, want: 403},
		{name: "a template of Caddy that includes the route", headers: []string{"Caddy-Templates-Include: 1"}, want: 403},

		{name: "a page", headers: []string{"Origin: https://evil.example"}, want: 403},
		{name: "a sandboxed page", headers: []string{"Origin: null"}, want: 403},
		{name: "a page of the site itself", headers: []string{"Origin: http://localhost:8080"}, want: 403},
		{name: "an empty origin", headers: []string{"Origin: "}, want: 403},
		{name: "an image of a page", headers: []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: image"}, want: 403},
		{name: "an address that was typed in", headers: []string{"Sec-Fetch-Site: none"}, want: 403},
		{name: "a same-origin request without an origin", headers: []string{"Sec-Fetch-Site: same-origin"}, want: 403},
		{name: "an old browser with a referrer", headers: []string{"Referer: https://evil.example/"}, want: 403},
		{name: "an old browser with a cookie", headers: []string{"Cookie: a=b"}, want: 403},
		{name: "an old browser without either", headers: []string{"User-Agent: Mozilla/5.0 (Macintosh) Safari/605"}, want: 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRequest("GET", "http://localhost:8080/", tc.headers...)
			if tc.peer != "" {
				r.RemoteAddr = tc.peer
			}
			checkAdmission(t, g, r, tc.want)
		})
	}
}

func TestHostHasToNameTheSite(t *testing.T) {
	g := newTestGate(t, Access{}, "localhost", "tokens.lan", "*.apps.lan")
	for host, want := range map[string]int{
		"localhost": admitted, "localhost:8080": admitted, "LocalHost": admitted,
		"127.0.0.1": admitted, "127.0.0.1:8080": admitted, "[::1]": admitted, "[::1]:8080": admitted,
		"tokens.lan": admitted, "TOKENS.LAN:8080": admitted, "a.apps.lan": admitted,

		"evil.example": 421, "evil.example:8080": 421, "lan": 421, "evil.tokens.lan": 421, "tokens.lan.evil.example": 421,
		"evil.localhost": 421, "localhost.": 421, "localhost.localdomain": 421, "tokens.lan.": 421, "localhost.evil.example": 421,
		// All of these are ways to write an address of this machine.
		"127.1": 421, "127.0.0.2": 421, "2130706433": 421, "0x7f000001": 421, "0x7f.1": 421, "0177.0.0.1": 421, "127.0.0.1.": 421,
		"0.0.0.0": 421, "0": 421, "[::]": 421, "[::ffff:127.0.0.1]": 421, "[::ffff:7f00:1]": 421, "[0:0:0:0:0:0:0:1]": 421,
		"[::1%25lo]": 421, "[::1%lo]": 421, "::1": 421, "127.0.0.1.nip.example": 421,

		"": 421, ":": 421, ":8080": 421, "[localhost]": 421, "[127.0.0.1]": 421, "[::1": 421, "::1]": 421, "[]": 421, "[::1]evil.example": 421,
		"localhost:80:80": 421, "localhost:": 421, "localhost:evil": 421, "localhost:-1": 421, "localhost:999999": 421,
		"localhost@evil.example": 421, "evil.example@localhost": 421, "localhost/evil.example": 421, "localhost\\evil.example": 421,
		"localhost?": 421, "localhost#": 421, "localhost%00": 421, "localhost,evil.example": 421, "localhost evil.example": 421, " localhost": 421,
		"localho\u017ft": 421, "\u2460localhost": 421, "localhost\x00": 421,
	} {
		t.Run(fmt.Sprintf("%q", host), func(t *testing.T) {
			r := newRequest("GET", "/")
			r.Host = host
			checkAdmission(t, g, r, want)
		})
	}
}

// nginx passes requests on in HTTP/1.0 and adds nothing, unless it is told otherwise.
func TestHTTP10IsNotLocal(t *testing.T) {
	r := newRequest("GET", "http://localhost:8080/")
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	checkAdmission(t, newTestGate(t, Access{}), r, 403)
}

// A request that a handler made up has whatever peer it was given.
func TestARequestThatDidNotArriveHereIsNotLocal(t *testing.T) {
	r := newRequest("GET", "http://localhost:8080/")
	r = r.WithContext(arrivedAt(r.Context(), nil))
	checkAdmission(t, newTestGate(t, Access{}), r, 403)
}

func TestUnixSocketIsLocal(t *testing.T) {
	g := newTestGate(t, Access{})
	r := newRequest("GET", "http://localhost/")
	r = r.WithContext(arrivedAt(r.Context(), &net.UnixAddr{Name: "/run/x", Net: "unix"}))
	r.RemoteAddr = "@"
	checkAdmission(t, g, r, admitted)
	// The PROXY protocol told of a peer that is not at the socket.
	r.RemoteAddr = "192.0.2.7:1"
	checkAdmission(t, g, r, 403)
}

func TestOriginRule(t *testing.T) {
	const app, self = "http://localhost:5173", "http://localhost:8080"
	pages := Access{Allow: &Allow{Origins: []string{app, self}}}
	both := Access{Allow: &Allow{Local: true, Origins: []string{app}}}
	anyPage := Access{Allow: &Allow{Origins: []string{"*"}}}
	for _, tc := range []struct {
		name    string
		access  Access
		target  string // http://localhost:8080/ if empty
		peer    string // this machine if empty
		headers []string
		want    int
	}{
		{name: "pages only: a program", access: pages, want: 403},
		{name: "pages only: an image in another site", access: pages, headers: []string{"Sec-Fetch-Site: cross-site"}, want: 403},
		{name: "pages only: an image in a subdomain", access: pages, headers: []string{"Sec-Fetch-Site: same-site"}, want: 403},
		{name: "pages only: an address that was typed in", access: pages, headers: []string{"Sec-Fetch-Site: none"}, want: 403},
		{name: "pages only: a listed page of another site", access: pages, headers: []string{"Origin: " + app, "Sec-Fetch-Site: cross-site"}},
		{name: "pages only: a listed page of this site gets", access: pages, headers: []string{"Sec-Fetch-Site: same-origin"}},
		{name: "pages only: a listed page of this site posts", access: pages, headers: []string{"Sec-Fetch-Site: same-origin", "Origin: " + self}},
		{name: "pages only: two origins", access: pages, headers: []string{"Origin: " + app, "Origin: " + app}, want: 403},
		{name: "pages only: no origin and the claim to be of this site, for another host", access: pages, target: "http://evil.example:8080/", headers: []string{"Sec-Fetch-Site: same-origin"}, want: 403},
		{name: "pages only: a listed page and a foreign host", access: pages, target: "http://evil.example:8080/", headers: []string{"Origin: " + app}, want: 421},
		{name: "pages only: localhost from another machine", access: pages, peer: "192.0.2.7:1", headers: []string{"Origin: " + app}, want: 403},
		{name: "pages only: localhost through a tunnel", access: pages, headers: []string{"Origin: " + app, "X-Forwarded-For: 192.0.2.7"}, want: 403},
		{name: "pages only: the site's name from another machine", access: pages, target: "http://tokens.example/", peer: "192.0.2.7:1", headers: []string{"Origin: " + app}},
		// CORS lets the browser show the answer to the page that Origin names, whatever Sec-Fetch-Site says.
		{name: "pages only: a listed page of another port, and a browser that says none", access: pages, headers: []string{"Origin: " + app, "Sec-Fetch-Site: none"}},
		{name: "pages only: a listed page of another port, and a browser that says same-origin", access: pages, headers: []string{"Origin: " + app, "Sec-Fetch-Site: same-origin"}},
		// Browsers write origins in lower case: no browser has sent this one.
		{name: "pages only: a listed page in upper case", access: pages, headers: []string{"Origin: HTTP://LOCALHOST:5173"}, want: 403},
		{name: "both: a program", access: both},
		{name: "both: a listed page", access: both, headers: []string{"Origin: " + app}},
		{name: "both: another page", access: both, headers: []string{"Origin: " + self}, want: 403},
		{name: "both: a page of this site, which is not listed", access: both, headers: []string{"Sec-Fetch-Site: same-origin"}, want: 403},
		{name: "both: a program of another machine", access: both, target: "http://tokens.example/", peer: "192.0.2.7:1", want: 403},
		{name: "any page: some page", access: anyPage, headers: []string{"Origin: https://any.example"}},
		{name: "any page: a sandboxed page", access: anyPage, headers: []string{"Origin: null"}, want: 403},
		{name: "any page: a program", access: anyPage, want: 403},
		{name: "any page: a rebound name", access: anyPage, target: "http://evil.example/", headers: []string{"Sec-Fetch-Site: same-origin"}, want: 421},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := tc.target
			if target == "" {
				target = "http://localhost:8080/"
			}
			r := newRequest("GET", target, tc.headers...)
			if tc.peer != "" {
				r.RemoteAddr = tc.peer
			}
			checkAdmission(t, newTestGate(t, tc.access, "localhost", "tokens.example"), r, tc.want)
		})
	}
}

func TestAccessThatMakesNoSenseIsRefused(t *testing.T) {
	for hint, a := range map[string]Access{
		"nobody is allowed": {Allow: &Allow{}},
		"no page may use":   {CORS: &CORS{}},
		"is no origin":      {Allow: &Allow{Origins: []string{"app.example.com"}}},
		"use 1s to 10m0s":   {Allow: &Allow{Origins: []string{"*"}}, CORS: &CORS{MaxAge: caddy.Duration(11 * 60 * 1e9)}},
		`header name "a b"`: {Allow: &Allow{Origins: []string{"*"}}, CORS: &CORS{AllowHeaders: []string{"a b"}}},
		`method "CONNECT"`:  {Allow: &Allow{Origins: []string{"*"}}, CORS: &CORS{AllowMethods: []string{"CONNECT"}}},
		`name "set-cookie"`: {Allow: &Allow{Origins: []string{"*"}}, CORS: &CORS{ExposeHeaders: []string{"set-cookie"}}},
	} {
		if _, err := newGate(a, ProxyCORS(), site.Site{}, noKeys, zap.NewNop()); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("error %v, want one with %q", err, hint)
		}
	}
}

func TestWideAccessIsWarnedOf(t *testing.T) {
	for _, tc := range []struct {
		name    string
		origin  string
		exposed bool
		want    []string
	}{
		{"a page at a site for this machine", "https://app.example.com", false, nil},
		{"every page", "*", false, []string{"every web page"}},
		{"a page at a site for everybody", "https://app.example.com", true, []string{"pages apart, not people"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			core, logs := observer.New(zap.WarnLevel)
			if _, err := newGate(Access{Allow: &Allow{Origins: []string{tc.origin}}}, ProxyCORS(), site.Site{Exposed: tc.exposed}, noKeys, zap.New(core)); err != nil {
				t.Fatal(err)
			}
			if logs.Len() != len(tc.want) {
				t.Fatalf("%d warnings, want %q", logs.Len(), tc.want)
			}
			for i, want := range tc.want {
				if got := logs.All()[i].Message; !strings.Contains(got, want) {
					t.Errorf("warning %q, want %q", got, want)
				}
			}
		})
	}
}
