package standin_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// post sends a form to the OAuth server and returns the answer with its error
// code, if it has one.
func post(t *testing.T, s *standin.Server, path string, v url.Values) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client().PostForm(s.OAuthURL()+path, v)
	if err != nil {
		t.Fatal(err)
	}
	return resp, errorCode(t, resp)
}

func errorCode(t *testing.T, resp *http.Response) string {
	t.Helper()
	text := body(t, resp)
	if text == "" {
		return ""
	}
	var fail struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal([]byte(text), &fail); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return fail.Error
}

func TestTokenRequestsThatAreWrong(t *testing.T) {
	good := func(pairs ...string) url.Values {
		v := url.Values{"grant_type": {"client_credentials"}, "client_id": {"demo"}, "client_secret": {"s3cr3t"}}
		for i := 0; i < len(pairs); i += 2 {
			if v.Del(pairs[i]); pairs[i+1] != "" {
				v.Set(pairs[i], pairs[i+1])
			}
		}
		return v
	}
	tests := []struct {
		name   string
		form   url.Values
		status int
		want   string
	}{
		{"a good one is no error", good(), 200, ""},
		{"no grant_type", good("grant_type", ""), 400, "invalid_request"},
		{"an unknown grant_type", good("grant_type", "password"), 400, "unsupported_grant_type"},
		{"a repeated parameter", twice(good("x", "y"), "x"), 400, "invalid_request"},
		{"an unknown client", good("client_id", "nobody"), 401, "invalid_client"},
		{"no client", good("client_id", ""), 401, "invalid_client"},
		{"a wrong secret", good("client_secret", "wrong"), 401, "invalid_client"},
		{"no secret", good("client_secret", ""), 401, "invalid_client"},
		{"an unknown scope", good("scope", "a z"), 400, "invalid_scope"},
		{"a public client with credentials of its own", good("client_id", "public", "client_secret", ""), 400, "unauthorized_client"},
		{"a grant type that the client may not use", good("client_id", "reader"), 400, "unauthorized_client"},
		{"a refresh without token", good("grant_type", "refresh_token"), 400, "invalid_request"},
		{"a refresh with a malformed token", good("grant_type", "refresh_token", "refresh_token", "x"), 400, "invalid_grant"},
		{"a refresh with an unknown token", good("grant_type", "refresh_token", "refresh_token", "standin-rt-x"), 400, "invalid_grant"},
		{"a body that is too large", good("x", strings.Repeat("x", 1<<17)), 400, "invalid_request"},
	}
	s := start(t, standin.Options{Scopes: []string{"a"}, Clients: []standin.Client{
		demo(), {ID: "public"}, {ID: "reader", Secret: "s3cr3t", GrantTypes: []string{"refresh_token"}},
	}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, code := post(t, s, "/oauth2/token", tt.form)
			if code != tt.want || resp.StatusCode != tt.status {
				t.Errorf("%d %q, want %d %q", resp.StatusCode, code, tt.status, tt.want)
			}
			if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Pragma") != "no-cache" {
				t.Error("the answer may be stored")
			}
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	tests := []struct {
		name       string
		demand     standin.ClientAuth
		user, pass string // of Basic, form-encoded already
		form       url.Values
		want       string
		challenge  bool
	}{
		{name: "any takes Basic", user: "d%C3%A9mo", pass: "s%3Acret%25+x"},
		{name: "any takes the body", form: url.Values{"client_id": {"démo"}, "client_secret": {"s:cret% x"}}},
		{name: "both at once are refused", user: "d%C3%A9mo", pass: "s%3Acret%25+x", form: url.Values{"client_secret": {"s:cret% x"}}, want: "invalid_request"},
		{name: "a differing client_id is refused", user: "d%C3%A9mo", pass: "s%3Acret%25+x", form: url.Values{"client_id": {"other"}}, want: "invalid_request"},
		{name: "the same client_id is fine", user: "d%C3%A9mo", pass: "s%3Acret%25+x", form: url.Values{"client_id": {"démo"}}},
		{name: "Basic that is not form-encoded is refused", user: "démo", pass: "s:cret% x", want: "invalid_client", challenge: true},
		{name: "a wrong secret in Basic is challenged", user: "d%C3%A9mo", pass: "x", want: "invalid_client", challenge: true},
		{name: "Basic on demand takes Basic", demand: standin.AuthBasic, user: "d%C3%A9mo", pass: "s%3Acret%25+x"},
		{name: "Basic on demand refuses the body", demand: standin.AuthBasic, form: url.Values{"client_id": {"démo"}, "client_secret": {"s:cret% x"}}, want: "invalid_client", challenge: true},
		{name: "body on demand takes the body", demand: standin.AuthBody, form: url.Values{"client_id": {"démo"}, "client_secret": {"s:cret% x"}}},
		{name: "body on demand refuses Basic", demand: standin.AuthBody, user: "d%C3%A9mo", pass: "s%3Acret%25+x", want: "invalid_client", challenge: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{ClientAuth: tt.demand, Clients: []standin.Client{{ID: "démo", Secret: "s:cret% x"}}})
			form := url.Values{"grant_type": {"client_credentials"}}
			maps.Copy(form, tt.form)
			req, err := http.NewRequest(http.MethodPost, s.OAuthURL()+"/oauth2/token", strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if tt.user != "" {
				req.SetBasicAuth(tt.user, tt.pass)
			}
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if code := errorCode(t, resp); code != tt.want {
				t.Errorf("error %q, want %q", code, tt.want)
			}
			if got := resp.Header.Get("WWW-Authenticate") != ""; got != tt.challenge {
				t.Errorf("challenged: %t, want %t", got, tt.challenge)
			}
		})
	}
}

func TestRequestsThatAreNoFormsAreRefused(t *testing.T) {
	s := start(t, standin.Options{})
	for _, contentType := range []string{"application/json", "text/plain", ""} {
		req, err := http.NewRequest(http.MethodPost, s.OAuthURL()+"/oauth2/token", strings.NewReader("grant_type=client_credentials&client_id=demo&client_secret=s3cr3t"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if code := errorCode(t, resp); code != "invalid_request" {
			t.Errorf("Content-Type %q: error %q", contentType, code)
		}
	}
}

func TestParametersAsJSON(t *testing.T) {
	const good = `{"grant_type":"client_credentials","client_id":"demo","client_secret":"s3cr3t"}`
	tests := []struct{ name, contentType, body, want string }{
		{"an object is taken", "application/json; charset=utf-8", good, ""},
		{"a form is not", "application/x-www-form-urlencoded", "grant_type=client_credentials&client_id=demo&client_secret=s3cr3t", "invalid_request"},
		{"a list is malformed", "application/json", "[]", "invalid_request"},
		{"a number is malformed", "application/json", `{"grant_type":7}`, "invalid_request"},
		{"nothing is malformed", "application/json", "", "invalid_request"},
	}
	s := start(t, standin.Options{JSONBody: true})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := s.Client().Post(s.OAuthURL()+"/oauth2/token", tt.contentType, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if code := errorCode(t, resp); code != tt.want {
				t.Errorf("error %q, want %q", code, tt.want)
			}
		})
	}
	if e := s.Journal()[0]; e.GrantType != "client_credentials" || e.ClientID != "demo" {
		t.Errorf("journal says %v", e)
	}
}

func TestParametersInTheQueryDoNotCount(t *testing.T) {
	s := start(t, standin.Options{})
	_, code := post(t, s, "/oauth2/token?grant_type=client_credentials&client_id=demo&client_secret=s3cr3t", url.Values{})
	if code != "invalid_client" {
		t.Errorf("error %q", code)
	}
}

func TestARotatedClientSecretKeepsTheGrants(t *testing.T) {
	s := start(t, standin.Options{})
	g := issue(t, s)
	changed := demo()
	changed.Secret = "new"
	s.SetClient(changed)
	if _, code := refresh(t, s, g.RefreshToken); code != "invalid_client" {
		t.Errorf("the old secret gave %q", code)
	}
	s.SetClient(demo())
	if _, code := refresh(t, s, g.RefreshToken); code != "" {
		t.Errorf("the grant is gone: %q", code)
	}
}

func TestOmittedExpiresIn(t *testing.T) {
	s := start(t, standin.Options{OmitExpiresIn: true})
	got, code := refresh(t, s, issue(t, s).RefreshToken)
	if code != "" || got.ExpiresIn != 0 || !got.Expiry.IsZero() {
		t.Errorf("error %q, expires in %d", code, got.ExpiresIn)
	}
}

func TestRevocation(t *testing.T) {
	tests := []struct {
		name           string
		token          func(standin.Grant) string
		client         string
		want           string
		family, access bool // alive afterwards
	}{
		{"a refresh token takes its family along", func(g standin.Grant) string { return g.RefreshToken }, "demo", "", false, false},
		{"an access token goes alone", func(g standin.Grant) string { return g.AccessToken }, "demo", "", true, false},
		{"an unknown token is no error", func(standin.Grant) string { return "unknown" }, "demo", "", true, true},
		{"a missing token is one", func(standin.Grant) string { return "" }, "demo", "invalid_request", true, true},
		{"another client cannot revoke a refresh token", func(g standin.Grant) string { return g.RefreshToken }, "other", "unauthorized_client", true, true},
		{"another client cannot revoke an access token", func(g standin.Grant) string { return g.AccessToken }, "other", "unauthorized_client", true, true},
		{"an unknown client can do nothing", func(g standin.Grant) string { return g.RefreshToken }, "nobody", "invalid_client", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{Clients: []standin.Client{demo(), {ID: "other", Secret: "s3cr3t"}}})
			g := issue(t, s)
			_, code := post(t, s, "/oauth2/revoke", url.Values{
				"token": {tt.token(g)}, "client_id": {tt.client}, "client_secret": {"s3cr3t"},
			})
			if code != tt.want {
				t.Errorf("error %q, want %q", code, tt.want)
			}
			checkAlive(t, s, g, tt.family, tt.access)
		})
	}
}

func checkAlive(t *testing.T, s *standin.Server, g standin.Grant, family, access bool) {
	t.Helper()
	if f, ok := s.Family(g.Family); !ok || f.Revoked == family {
		t.Errorf("family %+v, want it alive: %t", f, family)
	}
	if status, _ := rpc(t, s, g.AccessToken, "users/get_current_account", "null"); (status == http.StatusOK) != access {
		t.Errorf("the access token gives %d, want it alive: %t", status, access)
	}
}

func TestDropboxRevocationTakesEverythingAlong(t *testing.T) {
	for _, base := range []func(*standin.Server) string{(*standin.Server).OAuthURL, (*standin.Server).APIURL} {
		s := start(t, standin.Options{})
		g := issue(t, s)
		for _, want := range []int{http.StatusOK, http.StatusUnauthorized} {
			resp := call(t, s, base(s)+"/2/auth/token/revoke", g.AccessToken, nil, "")
			if body(t, resp); resp.StatusCode != want {
				t.Errorf("status %d, want %d", resp.StatusCode, want)
			}
		}
		checkAlive(t, s, g, false, false)
	}
}

func TestMetadataTellsWhereTheEndpointsAre(t *testing.T) {
	tests := []struct {
		name    string
		options standin.Options
		issuer  string // empty: the base URL
		methods int
	}{
		{"the issuer is where it listens", standin.Options{}, "", 3},
		{"the issuer can be set", standin.Options{Issuer: "https://login.example"}, "https://login.example", 3},
		{"a demand for Basic shows", standin.Options{ClientAuth: standin.AuthBasic}, "", 2},
		{"a demand for the body shows", standin.Options{ClientAuth: standin.AuthBody}, "", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, tt.options)
			resp, err := s.Client().Get(s.OAuthURL() + "/.well-known/oauth-authorization-server")
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Issuer     string   `json:"issuer"`
				Token      string   `json:"token_endpoint"`
				Challenges []string `json:"code_challenge_methods_supported"`
				Methods    []string `json:"token_endpoint_auth_methods_supported"`
				Iss        bool     `json:"authorization_response_iss_parameter_supported"`
			}
			if err := json.Unmarshal([]byte(body(t, resp)), &got); err != nil {
				t.Fatal(err)
			}
			want := tt.issuer
			if want == "" {
				want = s.OAuthURL()
			}
			if got.Issuer != want || got.Token != want+"/oauth2/token" || !got.Iss || len(got.Challenges) != 1 || len(got.Methods) != tt.methods {
				t.Errorf("metadata %+v", got)
			}
		})
	}
}
