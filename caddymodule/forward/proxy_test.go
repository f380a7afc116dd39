package forward_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
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

// waitForLog waits until a request's entry is in the access log: then its
// handler has returned.
func (p *proxyTest) waitForLog(entry string) {
	p.T.Helper()
	tick := time.NewTicker(5 * time.Millisecond) // who looks all the time keeps the writer from the processor
	defer tick.Stop()
	for began := time.Now(); !p.accessLogHas(entry); <-tick.C {
		if time.Since(began) > time.Minute {
			p.T.Fatalf("the access log has no %s", entry)
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
