package forward_test

import (
	"net/http"
	"strings"
	"testing"
)

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
	p := proxyToSite(t, a.host()+"\nhost gone http://"+nobody(t), `
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
