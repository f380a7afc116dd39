package forward_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// proxyTest is Caddy with one token_proxy, the stand-in as the authorization server,
// and a connection that has a token.
type proxyTest struct {
	*testcaddy.Server
	oauth  *standin.Server
	client *http.Transport
	url    string
	token  string // the first one
}

// proxyTo starts it; hosts are the provider's, block the inside of token_proxy.
func proxyTo(t *testing.T, hosts, upstreams, block string) *proxyTest {
	t.Helper()
	return proxyToSite(t, hosts, fmt.Sprintf("token_proxy demo/one %s {\n%s\n}", upstreams, block))
}

// byEither runs a test with both handlers that can forward: by is what makes token_proxy use the one or the other.
func byEither(t *testing.T, test func(t *testing.T, by string)) {
	t.Run("token_forward", func(t *testing.T) { test(t, "") })
	t.Run("reverse_proxy", func(t *testing.T) { test(t, "verbose_logs") })
}

func proxyToSite(t *testing.T, hosts, site string) *proxyTest {
	t.Helper()
	return proxyWithoutLog(t, hosts, "log\n"+site)
}

// proxyWithoutLog is proxyToSite without an access log.
func proxyWithoutLog(t *testing.T, hosts, site string) *proxyTest {
	t.Helper()
	p := &proxyTest{Server: testcaddy.New(t), client: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(p.client.CloseIdleConnections)
	p.oauth = standin.New(standin.Options{Clients: []standin.Client{{ID: "id", Secret: "client-secret"}}})
	if err := p.oauth.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.oauth.Close() })
	address := fmt.Sprintf("127.0.0.1:%d", testcaddy.FreePort(t))
	p.url = "http://" + address
	p.load(hosts, site)
	grant, err := p.oauth.IssueGrant("id")
	if err != nil {
		t.Fatal(err)
	}
	p.token = grant.AccessToken
	p.importGrant(grant)
	t.Cleanup(func() { p.wantNoSecretLogged(grant) })
	return p
}

// load loads the site with these directives.
func (p *proxyTest) load(hosts, site string) {
	p.T.Helper()
	p.MustLoad(fmt.Sprintf("provider demo generic {\nclient_id id\nclient_secret client-secret\nmin_refresh_interval 1ns\nauthorize_url %[1]s/oauth2/authorize\ntoken_url %[1]s/oauth2/token\n%[2]s\n}",
		p.oauth.OAuthURL(), hosts), fmt.Sprintf("%s {\n%s\n}", p.url, site))
}

func (p *proxyTest) importGrant(g standin.Grant) {
	p.T.Helper()
	store, err := p.App().Store()
	if err != nil {
		p.T.Fatal(err)
	}
	err = store.Import(p.T.Context(), tokenstore.ID{Provider: "demo", Name: "one"}, tokenstore.Import{
		AccessToken: g.AccessToken, RefreshToken: g.RefreshToken, TokenType: "Bearer", ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		p.T.Fatal(err)
	}
}

// wantNoSecretLogged looks through all that Caddy logged at level DEBUG.
func (p *proxyTest) wantNoSecretLogged(g standin.Grant) {
	log := p.Log()
	for _, secret := range []string{g.AccessToken, g.RefreshToken, "client-secret"} {
		if strings.Contains(log, secret) {
			p.T.Errorf("the log has a secret in it")
		}
	}
	for _, e := range p.oauth.Journal() {
		if token, ok := strings.CutPrefix(e.Header.Get("Authorization"), "Bearer "); ok && strings.Contains(log, token) {
			p.T.Errorf("the log has a token in it")
		}
	}
}

// do sends a request as a local program does, and returns the answer and its body.
func (p *proxyTest) do(r *http.Request) (*http.Response, string) {
	p.T.Helper()
	res, err := p.client.RoundTrip(r)
	if err != nil {
		p.T.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.T.Fatal(err)
	}
	return res, string(body)
}

func (p *proxyTest) request(method, path string, body io.Reader) *http.Request {
	p.T.Helper()
	r, err := http.NewRequestWithContext(p.T.Context(), method, p.url+path, body)
	if err != nil {
		p.T.Fatal(err)
	}
	return r
}

func (p *proxyTest) wantGet(path string, status int) (*http.Response, string) {
	p.T.Helper()
	res, body := p.do(p.request("GET", path, nil))
	if res.StatusCode != status && status != -1 { // any will do
		p.T.Errorf("GET %s: status %d, not %d: %s", path, res.StatusCode, status, body)
	}
	return res, body
}

// api is an API that refuses one token, and hands its requests to a handler otherwise.
type api struct {
	*httptest.Server
	refused atomic.Pointer[string]

	mu   sync.Mutex
	seen []*http.Request // guarded by mu
}

func newAPI(t *testing.T, serve http.HandlerFunc) *api {
	a := new(api)
	a.Server = httptest.NewServer(a.handler(serve))
	t.Cleanup(a.Close)
	return a
}

func (a *api) handler(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.seen = append(a.seen, r)
		a.mu.Unlock()
		if refused := a.refused.Load(); refused != nil && r.Header.Get("Authorization") == "Bearer "+*refused {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "expired_access_token", http.StatusUnauthorized)
			return
		}
		serve(w, r)
	})
}

func (a *api) requests() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*http.Request(nil), a.seen...)
}

// host is the provider's setting for a.
func (a *api) host() string { return "host api " + a.URL }

func (a *api) address() string { return a.Listener.Addr().String() }

func echoBody(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

func TestProxyAttachesTheToken(t *testing.T) { byEither(t, testProxyAttachesTheToken) }

func testProxyAttachesTheToken(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Set-Cookie", "a=1")
		_, _ = io.WriteString(w, "fine")
	})
	p := proxyTo(t, a.host()+"/base", "", by)
	r := p.request("GET", "/2/files?arg=%7B%7D&access_token=client", nil)
	r.Header = http.Header{
		"Authorization":   {"Basic client"},
		"Connection":      {"authorization, x-drop"},
		"X-Drop":          {"1"},
		"Dropbox-API-Arg": {"{\"path\":\"/\u00fcber\"}"}, //nolint:canonicalheader // as Dropbox writes it
	}
	res, body := p.do(r)
	if res.StatusCode != 200 || body != "fine" {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	got := a.requests()[0]
	if auth := got.Header["Authorization"]; len(auth) != 1 || auth[0] != "Bearer "+p.token {
		t.Errorf("%d Authorization headers, and not the token's alone", len(auth))
	}
	if got.URL.RequestURI() != "/base/2/files?arg=%7B%7D" || got.Host != a.address() {
		t.Errorf("the request is for %s%s", got.Host, got.URL.RequestURI())
	}
	if got.Header.Get("Dropbox-Api-Arg") != "{\"path\":\"/\u00fcber\"}" {
		t.Errorf("Dropbox-API-Arg arrived as %q", got.Header.Get("Dropbox-Api-Arg"))
	}
	for _, name := range []string{"Cookie", "X-Drop", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v, ok := got.Header[name]; ok {
			t.Errorf("%s: %v goes upstream", name, v)
		}
	}
	if res.Header.Get("Set-Cookie") != "" || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the answer has %v", res.Header)
	}
}

func TestBrowsersAreKeptFromTakingAnAnswerForAPage(t *testing.T) {
	byEither(t, testBrowsersAreKeptFromTakingAnAnswerForAPage)
}

func testBrowsersAreKeptFromTakingAnAnswerForAPage(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "<script>")
	})
	p := proxyTo(t, a.host(), "", by+"\nallow local\nallow origin https://app.example.com")
	r := p.request("GET", "/", nil)
	r.Header.Set("Origin", "https://app.example.com")
	if res, _ := p.do(r); res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Content-Security-Policy") != "sandbox" {
		t.Errorf("a browser gets %v", res.Header)
	}
	// A program gets what the API says, and nothing to wonder about.
	res, _ := p.do(p.request("GET", "/", nil))
	for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy"} {
		if v, ok := res.Header[name]; ok {
			t.Errorf("a program gets %s: %v", name, v)
		}
	}
}

func TestProxyRefusesBeforeAnythingIsSent(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyTo(t, a.host(), "", "fail_duration 1m")
	for line, status := range map[string]string{
		"GET /..%2fx":      "400",
		"GET /%252e%252e/": "400",
		`GET /..\x`:        "400",
		"TRACE /x":         "405",
		"TRACK /x":         "405",
		"get /x":           "405",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", line, strings.TrimPrefix(p.url, "http://"))
		answer, _ := bufio.NewReader(conn).ReadString('\n')
		_ = conn.Close()
		if !strings.HasPrefix(answer, "HTTP/1.1 "+status) {
			t.Errorf("%s: %s", line, answer)
		}
	}
	if n := len(a.requests()); n != 0 {
		t.Errorf("the API saw %d requests", n)
	}
	p.wantGet("/x", 200) // and nobody took the upstream down
}

func TestFiftyRefusalsCauseOneRefresh(t *testing.T) { byEither(t, testFiftyRefusalsCauseOneRefresh) }

func testFiftyRefusalsCauseOneRefresh(t *testing.T, by string) {
	a := newAPI(t, echoBody)
	p := proxyTo(t, a.host(), "", by)
	a.refused.Store(&p.token)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			want := fmt.Sprint("body ", i)
			res, body := p.do(p.request("POST", "/x", strings.NewReader(want)))
			if res.StatusCode != 200 || body != want {
				t.Errorf("status %d: %s", res.StatusCode, body)
			}
		})
	}
	wg.Wait()
	if n := p.oauth.Refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestProxyRetriesOnce(t *testing.T) { byEither(t, testProxyRetriesOnce) }

func testProxyRetriesOnce(t *testing.T, by string) {
	const chunk = "0123456789"
	for _, tc := range []struct {
		name    string
		body    func() io.Reader
		refresh bool // works
		status  int
		answer  string
		sent    int
	}{
		{"without a body", func() io.Reader { return nil }, true, 200, "", 2},
		{"with a short body", func() io.Reader { return strings.NewReader(chunk) }, true, 200, chunk, 2},
		{"with a short chunked body", func() io.Reader { return io.MultiReader(strings.NewReader(chunk)) }, true, 200, chunk, 2},
		{"not with a long body", func() io.Reader { return strings.NewReader(chunk + "x") }, true, 401, "expired_access_token\n", 1},
		{"not with a long chunked body", func() io.Reader { return io.MultiReader(strings.NewReader(chunk + "x")) }, true, 401, "expired_access_token\n", 1},
		{"not if there is no newer token", func() io.Reader { return nil }, false, 401, "expired_access_token\n", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAPI(t, echoBody)
			p := proxyTo(t, a.host(), "", by+"\nreplay_buffer 10")
			a.refused.Store(&p.token)
			if !tc.refresh {
				p.oauth.Script(standin.Fault{GrantType: "refresh_token", Status: 503, Times: standin.Always})
			}
			res, body := p.do(p.request("POST", "/x", tc.body()))
			if res.StatusCode != tc.status || body != tc.answer {
				t.Errorf("status %d: %q", res.StatusCode, body)
			}
			if n := len(a.requests()); n != tc.sent {
				t.Errorf("the API saw %d requests", n)
			}
			if tc.refresh {
				p.wantGet("/next", 200)
				if n := p.oauth.Refreshes(); n != 1 {
					t.Errorf("%d refreshes", n)
				}
			}
		})
	}
}

func TestARefusalWhoseBodyNeverEndsHoldsNobodyUp(t *testing.T) {
	byEither(t, testARefusalWhoseBodyNeverEndsHoldsNobodyUp)
}

func testARefusalWhoseBodyNeverEndsHoldsNobodyUp(t *testing.T, by string) {
	var refused atomic.Pointer[string]
	ended := make(chan struct{})
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+*refused.Load() {
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "expired")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	})
	p := proxyTo(t, a.host(), "", by)
	refused.Store(&p.token)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if res, body := p.do(p.request("GET", "/x", nil).WithContext(ctx)); res.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", res.StatusCode, body)
	}
	<-ended // the connection was closed
}

func TestProxyPassesTheSecondAnswerWhateverItIs(t *testing.T) {
	byEither(t, testProxyPassesTheSecondAnswerWhateverItIs)
}

func testProxyPassesTheSecondAnswerWhateverItIs(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "not for you", http.StatusUnauthorized) })
	p := proxyTo(t, a.host(), "", by)
	if _, body := p.wantGet("/x", 401); body != "not for you\n" {
		t.Errorf("body is %q", body)
	}
	if n := len(a.requests()); n != 2 {
		t.Errorf("the API saw %d requests", n)
	}
}

func TestProxyWithholdsAnEchoedToken(t *testing.T) { byEither(t, testProxyWithholdsAnEchoedToken) }

func testProxyWithholdsAnEchoedToken(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://evil.example/?t="+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusFound)
	})
	p := proxyTo(t, a.host(), "", by)
	res, body := p.wantGet("/x", 502)
	if !strings.Contains(body, "token_echoed") || res.Header.Get("Location") != "" {
		t.Errorf("%v: %s", res.Header, body)
	}
}

func TestProxyGoesToListedHostsOnly(t *testing.T) {
	a, other := newAPI(t, echoBody), newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), "vars elsewhere "+other.address()+"\ntoken_proxy demo/one {http.vars.elsewhere} {\nfail_duration 1m\n}")
	for range 2 { // a refusal is no failure of the upstream's
		if _, body := p.wantGet("/x", 502); !strings.Contains(body, "refused_host") {
			t.Error(body)
		}
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("the other host saw %d requests", n)
	}
}

func TestTransportNeedsAGuard(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), fmt.Sprintf("reverse_proxy %s {\ntransport token_store {\nconnection demo/one\n}\n}", a.address()))
	p.wantGet("/x", 502)
	if n := len(a.requests()); n != 0 {
		t.Errorf("the API saw %d requests", n)
	}
}

func TestVariablesShowTheConnectionOnly(t *testing.T) {
	p := proxyToSite(t, newAPI(t, echoBody).host(), "log_append seen {http.vars.token_store.forwarding}\ntoken_proxy demo/one {\nheader_down X-Seen {http.vars.token_store.forwarding}\n}")
	if res, _ := p.wantGet("/x", 200); res.Header.Get("X-Seen") != "demo/one" {
		t.Errorf("it shows %q", res.Header.Get("X-Seen"))
	}
	p.waitForLog(`"seen":"demo/one"`)
}

func TestOnErrorPassGoesWithoutAnyCredentials(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), "token_proxy demo/nobody {\non_error pass\n}")
	r := p.request("GET", "/x", nil)
	r.Header.Set("Authorization", "Basic client")
	if res, body := p.do(r); res.StatusCode != 200 {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	if auth, ok := a.requests()[0].Header["Authorization"]; ok {
		t.Errorf("Authorization: %v", auth)
	}
}

func TestTokenIsNotForOthersInCaddy(t *testing.T) {
	a := newAPI(t, echoBody)
	gone := newAPI(t, echoBody)
	gone.Close()
	p := proxyToSite(t, a.host()+"\nhost gone "+gone.URL, `
		log_append seen {http.request.header.Authorization}
		route {
			templates
			token_proxy demo/one {
				header_down X-Seen "{http.request.header.Authorization}|"
				@ok status 200
				handle_response @ok {
					respond "{http.request.header.Authorization}|{{.Req.Header.Get \"Authorization\"}}|"
				}
			}
		}
		handle_errors {
			respond "{http.request.header.Authorization}|{http.error.message}"
		}`)
	if _, body := p.wantGet("/x", 200); body != "||" && body != "|{{.Req.Header.Get \"Authorization\"}}|" {
		t.Errorf("a response route saw %q", body)
	}
	if _, body := p.wantGet("/gone/x", 502); !strings.HasPrefix(body, "|") || strings.Contains(body, p.token) {
		t.Errorf("an error route saw %q", body)
	}
}

func TestLoadBalancerRetriesWithTheToken(t *testing.T) {
	a, gone := newAPI(t, echoBody), newAPI(t, echoBody)
	gone.Close()
	p := proxyTo(t, a.host()+"\nhost gone "+gone.URL, gone.address()+" "+a.address(), "lb_policy first\nlb_retries 2\nfail_duration 1m")
	p.wantGet("/x", 200)
	if auth := a.requests()[0].Header.Get("Authorization"); auth != "Bearer "+p.token {
		t.Error("the second try has no token")
	}
}

func TestHealthChecksCarryTheTokenToListedHostsOnly(t *testing.T) {
	evil := newAPI(t, echoBody)
	checked, redirected := make(chan string, 100), make(chan struct{}, 100)
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/health":
			checked <- r.Header.Get("Authorization")
		case "/away":
			redirected <- struct{}{}
			http.Redirect(w, r, evil.URL+"/steal", http.StatusFound)
		}
	})
	t.Run("with the token", func(t *testing.T) {
		p := proxyTo(t, a.host(), a.address(), "health_uri /health\nhealth_interval 20ms")
		for range 100 {
			if auth := <-checked; auth == "Bearer "+p.token {
				return
			}
		}
		t.Error("no health check had the token")
	})
	t.Run("not through a redirect", func(t *testing.T) {
		proxyTo(t, a.host(), a.address(), "health_uri /away\nhealth_interval 20ms\nhealth_follow_redirects")
		for range 3 {
			<-redirected
		}
		if n := len(evil.requests()); n != 0 {
			t.Errorf("the other host saw %d requests", n)
		}
	})
}

// waitForLog waits until a request's entry is in the access log: then its
// handler has returned.
func (p *proxyTest) waitForLog(entry string) {
	p.T.Helper()
	deadline := time.After(10 * time.Second)
	for !p.accessLogHas(entry) {
		select {
		case <-deadline:
			p.T.Fatalf("the access log has no %s", entry)
		default:
			runtime.Gosched()
		}
	}
}

func (p *proxyTest) accessLogHas(entry string) bool {
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "handled request") && strings.Contains(line, entry) {
			return true
		}
	}
	return false
}

func TestEventsArriveAsTheyAreSent(t *testing.T) { byEither(t, testEventsArriveAsTheyAreSent) }

func testEventsArriveAsTheyAreSent(t *testing.T, by string) {
	read := make(chan struct{})
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-read
		_, _ = io.WriteString(w, "data: 2\n\n")
	})
	p := proxyTo(t, a.host(), "", by)
	res, err := p.client.RoundTrip(p.request("GET", "/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	br := bufio.NewReader(res.Body)
	if line, err := br.ReadString('\n'); line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	close(read) // only now is there a second event
	if rest, err := io.ReadAll(br); string(rest) != "\ndata: 2\n\n" {
		t.Fatalf("%q, %v", rest, err)
	}
}

func TestLongBodiesStream(t *testing.T) { byEither(t, testLongBodiesStream) }

func testLongBodiesStream(t *testing.T, by string) {
	const length = 128 << 20
	var peak atomic.Uint64
	sample := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak.Store(max(peak.Load(), m.HeapInuse))
	}
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 1<<20)
		var n int64
		for {
			k, err := r.Body.Read(buf)
			n += int64(k)
			if n%(16<<20) < int64(k) {
				sample()
			}
			if err != nil {
				break
			}
		}
		if n != length {
			t.Errorf("%d bytes arrived", n)
		}
		for range length >> 20 {
			_, _ = w.Write(buf)
		}
		sample()
	})
	p := proxyTo(t, a.host(), "", by)
	runtime.GC()
	sample()
	before := peak.Load()
	r := p.request("POST", "/x", io.LimitReader(zeros{}, length))
	res, err := p.client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if n, err := io.Copy(io.Discard, res.Body); n != length || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	sample()
	if grown := peak.Load() - before; grown > 32<<20 {
		t.Errorf("memory grew by %d MiB for bodies of %d MiB", grown>>20, length>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestProxyToHTTP2OverTLS(t *testing.T) { byEither(t, testProxyToHTTP2OverTLS) }

func testProxyToHTTP2OverTLS(t *testing.T, by string) {
	a := new(api)
	a.Server = httptest.NewUnstartedServer(a.handler(echoBody))
	a.EnableHTTP2 = true
	a.StartTLS()
	t.Cleanup(a.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(a.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, upstream := range map[string]string{"of the provider": "", "written down": a.URL} {
		t.Run("with the upstream "+name, func(t *testing.T) {
			p := proxyTo(t, a.host(), upstream, "transport http {\ntls_trust_pool file "+ca+"\n}")
			a.refused.Store(&p.token)
			res, body := p.do(p.request("POST", "/x", strings.NewReader("again")))
			if res.StatusCode != 200 || body != "again" {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			all := a.requests()
			if last := all[len(all)-1]; last.ProtoMajor != 2 || last.TLS == nil {
				t.Errorf("the request came by %s", last.Proto)
			}
		})
	}
	t.Run("and nobody else's certificate will do", func(t *testing.T) {
		p := proxyTo(t, a.host(), "", by)
		before := len(a.requests())
		p.wantGet("/x", 502)
		if len(a.requests()) != before {
			t.Error("the request was sent")
		}
	})
}

func TestProxyKeepsWhatHTTPCanDo(t *testing.T) { byEither(t, testProxyKeepsWhatHTTPCanDo) }

func testProxyKeepsWhatHTTPCanDo(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			echoBody(w, r)
			return
		case "/hints":
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
		}
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
	})
	p := proxyTo(t, a.host(), "", by+"\ntransport http {\nexpect_continue_timeout 1m\n}")
	t.Run("ranges", func(t *testing.T) {
		r := p.request("GET", "/x", nil)
		r.Header.Set("Range", "bytes=2-4")
		if res, body := p.do(r); res.StatusCode != http.StatusPartialContent || body != "234" {
			t.Errorf("status %d: %q", res.StatusCode, body)
		}
	})
	t.Run("early hints", func(t *testing.T) {
		var hint string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hint = fmt.Sprint(code, h.Get("Link"))
			return nil
		}}
		r := p.request("GET", "/hints", nil)
		p.do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
		if hint != "103</style.css>; rel=preload" {
			t.Errorf("hint is %q", hint)
		}
	})
	t.Run("expectations", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // the end of the test
		fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", strings.TrimPrefix(p.url, "http://"))
		br := bufio.NewReader(conn)
		res, err := http.ReadResponse(br, nil)
		if err != nil || res.StatusCode != http.StatusContinue {
			t.Fatalf("%v, %v", res, err)
		}
		fmt.Fprint(conn, "abc")
		for err == nil && res.StatusCode == http.StatusContinue { // the API's and Caddy's own
			res, err = http.ReadResponse(br, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != "abc" {
			t.Errorf("%q, %v", body, err)
		}
	})
}

func TestClientsWhoLeaveStopNothingElse(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-r.Context().Done()
			close(gone)
		}
	})
	p := proxyTo(t, a.host(), "", "")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := p.client.RoundTrip(p.request("GET", "/slow", nil).WithContext(ctx)); err == nil {
		t.Error("the client got an answer")
	}
	<-gone
	p.wantGet("/x", 200)
	p.waitForLog(`"status":499`) // not the API's fault
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
