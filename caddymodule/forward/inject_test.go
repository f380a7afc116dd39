package forward_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A provider may have an API that wants a bearer token, and a git server that wants a password.
func TestEachHostGetsTheTokenInItsOwnWay(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyTo(t, fmt.Sprintf(`
		inject Authorization "token {token}"
		host api %[1]s/api
		host shop %[1]s/shop {
			inject X-Shop-Token {token}
		}
		host git %[1]s {
			inject basic x-access-token
		}`, a.URL), "", "")
	basic := &http.Request{Header: make(http.Header)}
	basic.SetBasicAuth("x-access-token", p.token)
	for i, tc := range []struct{ path, header, want string }{
		{"/user", "Authorization", "token " + p.token},
		{"/shop/user", "X-Shop-Token", p.token},
		{"/git/repo.git", "Authorization", basic.Header.Get("Authorization")},
		{"/git/shop/user", "X-Shop-Token", p.token}, // where it arrives counts, not by which name
	} {
		r := p.request("GET", tc.path, nil)
		r.Header.Set("Authorization", "Bearer of the client's own")
		r.Header.Set(tc.header, "of the client's own")
		p.do(r)
		got := a.requests()[i].Header
		if v := got[tc.header]; len(v) != 1 || v[0] != tc.want {
			t.Errorf("%s: %s arrives %d times, and not as the host wants it", tc.path, tc.header, len(v))
		}
		if tc.header != "Authorization" && got["Authorization"] != nil {
			t.Errorf("%s: there is an Authorization beside it", tc.path)
		}
	}
}

// The token must be found in base64, too: so it was sent.
func TestProxyWithholdsAnEchoedPassword(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
	})
	for _, user := range []string{"x", "git", "x-access-token", "someone"} {
		p := proxyTo(t, a.host()+" {\ninject basic "+user+"\n}", "", "")
		if res, body := p.wantGet("/x", 502); !strings.Contains(body, "token_echoed") || res.Header.Get("X-Echo") != "" {
			t.Errorf("%s: %v: %s", user, res.Header, body)
		}
	}
}
