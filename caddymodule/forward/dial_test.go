package forward_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial/dialtest"
)

// named is an API on this machine that is known by a name.
type named struct {
	*api
	connections atomic.Int32
	url, trust  string
}

func newNamed(t *testing.T, serve http.HandlerFunc) *named {
	t.Helper()
	a := &named{api: new(api)}
	a.Server = httptest.NewUnstartedServer(a.handler(serve))
	a.EnableHTTP2 = true
	a.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			a.connections.Add(1)
		}
	}
	a.StartTLS()
	t.Cleanup(a.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(a.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(a.address())
	a.url, a.trust = "https://api.example.com:"+port, "tls_trust_pool file "+ca
	return a
}

// transport are settings for a; nothing leaves this machine, whatever the server says.
func (a *named) transport(dns *dialtest.Server) string {
	return fmt.Sprintf("fail_duration 1m\nlb_retries 2\ntransport http {\n%s\nresolvers udp/%s\nlocal_address 127.0.0.1\n}", a.trust, dns.Addr())
}

func TestProxyGoesToPublicAddressesOnly(t *testing.T) {
	const public = "93.184.215.14"
	for name, tt := range map[string]struct {
		answer  dialtest.Answer
		private string
		want    []int // statuses of one request after the other
	}{
		"a name of this machine":                            {dialtest.Always("127.0.0.1"), "", []int{502, 502, 502}},
		"a name of a cloud's secrets":                       {dialtest.Always("169.254.169.254"), "private", []int{502, 502}},
		"a name that is declared private":                   {dialtest.Always("127.0.0.1"), "private", []int{200, 200}},
		"a name that is declared private, and has an alias": {dialtest.Always("169.254.169.254", "127.0.0.1"), "private", []int{200}},
		"a name that becomes one of this machine":           {dialtest.Rebind(public, "127.0.0.1"), "", []int{502}},
		"a name that is public and of this machine":         {dialtest.Always(public, "127.0.0.1"), "", []int{502}},
	} {
		t.Run(name, func(t *testing.T) {
			a, dns := newNamed(t, echoBody), dialtest.Start(t, tt.answer)
			p := proxyTo(t, "host api "+a.url+"\n"+tt.private, "", a.transport(dns))
			sent := 0
			for _, status := range tt.want {
				_, body := p.wantGet("/x", status)
				if status == 200 {
					sent++
				} else if len(tt.want) > 1 && !strings.Contains(body, "problems.md#refused_address") {
					t.Errorf("the answer is %q", body) // also the second time: the upstream is not taken for dead
				}
			}
			if n := len(a.requests()); n != sent {
				t.Errorf("the API saw %d requests, want %d", n, sent)
			}
			if n := a.connections.Load(); sent == 0 && n != 0 || n > 1 {
				t.Errorf("there were %d connections", n)
			}
			if refused := len(tt.want) > 1 && sent == 0; refused && !strings.Contains(p.Log(), "no connection to api.example.com") {
				t.Error("the log does not name the host")
			}
		})
	}
}

func TestProxyDialsAsItIsTold(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		_, _ = w.Write([]byte(strings.Split(r.RemoteAddr, ":")[0]))
	})
	p := proxyTo(t, a.host(), "", "transport http {\nlocal_address 127.0.0.9\nread_timeout 1s\nwrite_timeout 1s\ndial_timeout 2s\n}")
	if _, body := p.wantGet("/x", 200); body != "127.0.0.9" {
		t.Errorf("the request came from %s", body)
	}
	start := time.Now()
	p.wantGet("/slow", 504)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the timeout came after %s", took)
	}
}

func TestANetworkProxyConnectsByItself(t *testing.T) {
	asked := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	p := proxyTo(t, "host api https://api.example.com", "", "transport http {\nnetwork_proxy url "+proxy.URL+"\n}")
	p.wantGet("/x", 502)
	if got := <-asked; got != "CONNECT api.example.com:443" {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestNoNetworkProxyIsNoWayRoundTheCheck(t *testing.T) {
	a, dns := newNamed(t, echoBody), dialtest.Start(t, dialtest.Always("127.0.0.1"))
	p := proxyTo(t, "host api "+a.url, "", strings.Replace(a.transport(dns), "local_address", "network_proxy none\nlocal_address", 1))
	if _, body := p.wantGet("/x", 502); !strings.Contains(body, "refused_address") {
		t.Errorf("the answer is %q", body)
	}
	if n := a.connections.Load(); n != 0 {
		t.Errorf("there were %d connections", n)
	}
}
