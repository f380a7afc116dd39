package forward_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

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
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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

func TestLoadBalancerRetriesWithTheToken(t *testing.T) {
	a, gone := newAPI(t, echoBody), nobody(t)
	p := proxyTo(t, a.host()+"\nhost gone http://"+gone, gone+" "+a.address(), "lb_policy first\nlb_retries 2\nfail_duration 1m")
	p.wantGet("/x", 200)
	if auth := a.requests()[0].Header.Get("Authorization"); auth != "Bearer "+p.token {
		t.Error("the second try has no token")
	}
}
