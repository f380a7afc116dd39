package access

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/jwt"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

// fakeRing knows the names of keys by the keys.
type fakeRing map[string]callerkey.Identity

func (f fakeRing) Find(presented string) (callerkey.Identity, bool) {
	identity, ok := f[presented]
	return identity, ok
}

func noKeys() (keyring, error) { return fakeRing{}, nil }

// ringOf has the keys tsk_ci and tsk_page, by these names, for the connection demo/auth.
func ringOf() (keyring, error) {
	scope := callerkey.Scope{Connections: []string{"demo/auth"}}
	bound := callerkey.Scope{Connections: []string{"demo/auth"}, Origins: []string{"http://localhost:5173"}, Methods: []string{"POST"}, Paths: []string{"/2/files/*"}}
	return fakeRing{"tsk_ci": {Name: "ci", Scope: scope}, "tsk_page": {Name: "page", Scope: bound}}, nil
}

// as makes r one of a user whom an authentication handler has recognised.
func as(r *http.Request, user string) {
	r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer).Set("http.auth.user.id", user)
}

func TestRulesOfIdentity(t *testing.T) {
	const app, peer = "http://localhost:5173", "192.0.2.7:50000"
	keys := Access{Allow: &Allow{Keys: []string{"ci"}}}
	anyKey := Access{Allow: &Allow{Keys: []string{"*"}}}
	keysOrLocal := Access{Allow: &Allow{Local: true, Keys: []string{"ci"}}}
	pageWithKey := Access{Allow: &Allow{Keys: []string{"*"}, Origins: []string{app}}}
	pageWithKeyOrLocal := Access{Allow: &Allow{Local: true, Keys: []string{"*"}, Origins: []string{app}}}
	users := Access{Allow: &Allow{Users: []string{"alice", "bob"}}}
	anyUser := Access{Allow: &Allow{Users: []string{"*"}, Origins: []string{app}}}
	anyone := Access{Allow: &Allow{Anyone: true}}
	anyoneAndPage := Access{Allow: &Allow{Anyone: true, Origins: []string{app}}}
	for _, tc := range []struct {
		name    string
		access  Access
		method  string // GET
		headers []string
		user    string
		here    bool // the request comes from this machine
		want    int
		caller  string // kind and name, if admitted
	}{
		{name: "a key", access: keys, headers: []string{"Authorization: Bearer tsk_ci"}, caller: "key ci"},
		{name: "a key, and a scheme in lower case", access: keys, headers: []string{"Authorization: bearer  tsk_ci "}, caller: "key ci"},
		{name: "a key as a user's name", access: keys, headers: []string{"Authorization: Basic tsk_ci"}, want: 401},
		{name: "a key that nobody made", access: keys, headers: []string{"Authorization: Bearer tsk_other"}, want: 401},
		{name: "a key of another route", access: keys, headers: []string{"Authorization: Bearer tsk_page"}, want: 401},
		{name: "no key", access: keys, want: 401},
		{name: "an empty key", access: keys, headers: []string{"Authorization: Bearer "}, want: 401},
		{name: "any key", access: anyKey, headers: []string{"Authorization: Bearer tsk_page"}, caller: "key page"},
		{name: "a key in a browser, of a page that is not listed", access: keys, headers: []string{"Authorization: Bearer tsk_ci", "Origin: " + app}, want: 403},
		{name: "a key behind a proxy", access: keys, headers: []string{"Authorization: Bearer tsk_ci", "X-Forwarded-For: 192.0.2.1"}, caller: "key ci"},
		{name: "keys or local: a key from elsewhere", access: keysOrLocal, headers: []string{"Authorization: Bearer tsk_ci"}, caller: "key ci"},
		{name: "keys or local: no key from elsewhere", access: keysOrLocal, want: 401},

		{name: "a page with a key", access: pageWithKey, headers: []string{"Origin: " + app, "Authorization: Bearer tsk_ci"}, caller: "key ci"},
		{name: "a page without one, in a browser of this machine", access: pageWithKeyOrLocal, headers: []string{"Origin: " + app}, here: true, want: 401},
		{name: "a program without one, of this machine", access: pageWithKeyOrLocal, here: true, caller: "local "},
		{name: "a page without one", access: pageWithKey, headers: []string{"Origin: " + app}, want: 401},
		{name: "another page with a key", access: pageWithKey, headers: []string{"Origin: https://evil.example", "Authorization: Bearer tsk_ci"}, want: 403},
		{name: "a program with a key that pages have too", access: pageWithKey, headers: []string{"Authorization: Bearer tsk_ci"}, caller: "key ci"},

		{name: "a user", access: users, user: "bob", caller: "user bob"},
		{name: "another user", access: users, user: "mallory", want: 403},
		{name: "no user", access: users, want: 403},
		{name: "a user in a browser, of a page that is not listed", access: users, user: "bob", headers: []string{"Cookie: a=b"}, want: 403},
		{name: "any user at a listed page", access: anyUser, user: "carol", headers: []string{"Origin: " + app, "Cookie: a=b"}, caller: "user carol"},
		{name: "nobody at a listed page", access: anyUser, headers: []string{"Origin: " + app}, want: 403},

		{name: "anyone", access: anyone, caller: "anyone "},
		{name: "anyone, and a page", access: anyone, headers: []string{"Origin: https://evil.example"}, want: 403},
		{name: "anyone, and an address that was typed in", access: anyone, headers: []string{"Sec-Fetch-Site: none"}, want: 403},
		{name: "anyone, and a listed page", access: anyoneAndPage, headers: []string{"Origin: " + app}, caller: "anyone "},
		{name: "anyone, and another page", access: anyoneAndPage, headers: []string{"Origin: https://evil.example"}, want: 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := newGate(tc.access, ProxyCORS(), siteNamed("tokens.example"), ringOf, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			r := newRequest("GET", "http://tokens.example/", tc.headers...)
			if !tc.here {
				r.RemoteAddr = peer
			}
			if tc.user != "" {
				as(r, tc.user)
			}
			checkAdmission(t, g, r, tc.want)
			if c, _, _ := g.admit(httptest.NewRecorder(), r); tc.want == admitted && c.Kind()+" "+c.Name != tc.caller {
				t.Errorf("the caller is %s %s", c.kind, c.Name)
			}
		})
	}
}

// fakeIssuer knows the names of callers by their tokens, unless it is down.
type fakeIssuer struct {
	names map[string]string
	down  bool
}

func (f fakeIssuer) Verify(_ context.Context, raw string) (string, bool, error) {
	if f.down {
		return "", false, jwt.ErrUnreachable
	}
	name, ok := f.names[raw]
	return name, ok, nil
}

func TestTokensOfIssuers(t *testing.T) {
	up := fakeIssuer{names: map[string]string{"e.y.alice": "alice"}}
	down := fakeIssuer{down: true}
	for _, tc := range []struct {
		name    string
		rules   rules
		headers []string
		user    string
		want    int
		caller  string
	}{
		{name: "a token", rules: rules{issuers: []verifier{up}}, headers: []string{"Authorization: Bearer e.y.alice"}, caller: "jwt alice"},
		{name: "a token of the second issuer", rules: rules{issuers: []verifier{fakeIssuer{}, up}}, headers: []string{"Authorization: bearer e.y.alice"}, caller: "jwt alice"},
		{name: "a token of the second issuer, and the first is down", rules: rules{issuers: []verifier{down, up}}, headers: []string{"Authorization: Bearer e.y.alice"}, caller: "jwt alice"},
		{name: "a token of nobody", rules: rules{issuers: []verifier{up}}, headers: []string{"Authorization: Bearer e.y.mallory"}, want: 401},
		{name: "no token", rules: rules{issuers: []verifier{down}}, want: 401},
		{name: "no bearer", rules: rules{issuers: []verifier{up}}, headers: []string{"Authorization: Basic e.y.alice"}, want: 401},
		{name: "a token whose issuer is down", rules: rules{issuers: []verifier{up, down}}, headers: []string{"Authorization: Bearer e.y.bob"}, want: 503},
		{name: "a key, which no issuer is asked about", rules: rules{issuers: []verifier{down}}, headers: []string{"Authorization: Bearer tsk_other"}, want: 401},
		{name: "a key", rules: rules{issuers: []verifier{down}, keys: []string{"ci"}, keyring: ringOf}, headers: []string{"Authorization: Bearer tsk_ci"}, caller: "key ci"},
		{name: "a user, and an issuer that is down", rules: rules{issuers: []verifier{down}, users: []string{"*"}}, headers: []string{"Authorization: Bearer e.y.x"}, user: "bob", caller: "user bob"},
		{name: "a program of this machine, and an issuer that is down", rules: rules{issuers: []verifier{down}, local: true}, headers: []string{"Authorization: Bearer e.y.x"}, caller: "local "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRequest("GET", "http://localhost/", tc.headers...)
			if tc.user != "" {
				as(r, tc.user)
			}
			c := callerOf(r)
			p := tc.rules.identify(&c, r, false)
			if (p == nil) != (tc.want == 0) || p != nil && p.Status != tc.want {
				t.Fatalf("%+v, want %d", p, tc.want)
			}
			if got := string(c.kind) + " " + c.Name; p == nil && got != tc.caller {
				t.Errorf("the caller is %s", got)
			}
		})
	}
}

func TestAPreflightNeedsNoKey(t *testing.T) {
	g, err := newGate(Access{Allow: &Allow{Keys: []string{"ci"}, Origins: []string{"http://localhost:5173"}}}, ProxyCORS(), site.Site{}, ringOf, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest("OPTIONS", "http://localhost:8080/", "Origin: http://localhost:5173", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
	res, goesOn := try(g, r)
	if goesOn || res.StatusCode/100 != 2 || res.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("goes on %t, status %d, %v", goesOn, res.StatusCode, res.Header)
	}
}

func TestAKeyIsNotAskedForWhereTheStoreIsClosed(t *testing.T) {
	g, err := newGate(Access{Allow: &Allow{Keys: []string{"ci"}}}, ProxyCORS(), site.Site{}, func() (keyring, error) { return nil, errors.New("closed") }, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	checkAdmission(t, g, newRequest("GET", "http://localhost/", "Authorization: Bearer tsk_ci"), 503)
}

func TestWhatAKeyIsFor(t *testing.T) {
	demo, other := tokenstore.ID{Provider: "demo", Name: "auth"}, tokenstore.ID{Provider: "demo", Name: "other"}
	for _, tc := range []struct {
		name   string
		key    string
		origin string
		use    Use
		want   int // 0: it may
	}{
		{"its connection", "tsk_ci", "", Use{Connection: demo, Method: "GET", Path: "/x"}, 0},
		{"the token of its connection", "tsk_ci", "", Use{Connection: demo}, 0},
		{"another connection", "tsk_ci", "", Use{Connection: other}, 404},
		{"a page's method and path", "tsk_page", "http://localhost:5173", Use{Connection: demo, Method: "POST", Path: "/2/files/upload"}, 0},
		{"another method", "tsk_page", "http://localhost:5173", Use{Connection: demo, Method: "GET", Path: "/2/files/upload"}, 403},
		{"another path", "tsk_page", "http://localhost:5173", Use{Connection: demo, Method: "POST", Path: "/2/users/x"}, 403},
		{"the token, of a key with bounds", "tsk_page", "http://localhost:5173", Use{Connection: demo}, 403},
		{"a page's, without the page", "tsk_page", "", Use{Connection: demo, Method: "POST", Path: "/2/files/upload"}, 403},
		{"a page's, of another page", "tsk_page", "http://localhost:4000", Use{Connection: demo, Method: "POST", Path: "/2/files/upload"}, 403},
		{"another connection of a page's", "tsk_page", "http://localhost:5173", Use{Connection: other, Method: "POST", Path: "/2/files/upload"}, 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			headers := []string{"Authorization: Bearer " + tc.key}
			if tc.origin != "" {
				headers = append(headers, "Origin: "+tc.origin)
			}
			g, err := newGate(Access{Allow: &Allow{Keys: []string{"*"}, Origins: []string{"http://localhost:*"}}}, ProxyCORS(), site.Site{}, ringOf, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			r := newRequest("POST", "http://localhost/", headers...)
			c, p, _ := g.admit(httptest.NewRecorder(), r)
			if p != nil {
				t.Fatalf("refused: %+v", p)
			}
			p = c.MayUse(r, tc.use)
			if (p == nil) != (tc.want == 0) || p != nil && p.Status != tc.want {
				t.Errorf("%+v, want %d", p, tc.want)
			}
		})
	}
}

func TestConnectionsOfCallers(t *testing.T) {
	one := rules{users: []string{"*"}}
	c := connection{template: "demo/{token_store.caller}"}
	if err := c.checkCaller(one); err != nil {
		t.Error(err)
	}
	for hint, r := range map[string]rules{
		"no caller has a name": {local: true, anyone: true},
		"the same":             {users: []string{"*"}, keys: []string{"*"}},
		"of two issuers":       {issuers: []verifier{fakeIssuer{}, fakeIssuer{}}},
	} {
		if err := c.checkCaller(r); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("error %v, want one with %q", err, hint)
		}
	}
	if err := c.checkCaller(rules{issuers: []verifier{fakeIssuer{}}, local: true}); err != nil {
		t.Error(err)
	}
	if err := (connection{template: "demo/{http.auth.user.id}"}).checkCaller(rules{local: true}); err != nil {
		t.Error(err)
	}
}

func TestARuleForAKeyThatCannotExistIsRefused(t *testing.T) {
	for name, valid := range map[string]bool{"backend": true, "*": true, "Backend": false, "a.b": false} {
		_, err := newRules(Allow{Keys: []string{name}}, noKeys, zap.NewNop())
		if (err == nil) != valid {
			t.Errorf("allow key %s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "lower-case") {
			t.Errorf("%v does not say what a name is made of", err)
		}
	}
}
