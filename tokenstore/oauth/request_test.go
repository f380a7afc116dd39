package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// call makes one of the requests to the token endpoint.
type call func(*testing.T, *oauth.Client, *oauth.Endpoint) (*oauth.Answer, error)

var (
	exchange call = func(t *testing.T, c *oauth.Client, e *oauth.Endpoint) (*oauth.Answer, error) {
		return c.Exchange(t.Context(), e, oauth.ExchangeRequest{
			Code: secret.New("C"), Verifier: secret.New("V"), RedirectURI: "https://here.example/callback",
		})
	}
	refresh call = func(t *testing.T, c *oauth.Client, e *oauth.Endpoint) (*oauth.Answer, error) {
		return c.Refresh(t.Context(), e, secret.New(canaryRefresh))
	}
	clientCredentials call = func(t *testing.T, c *oauth.Client, e *oauth.Endpoint) (*oauth.Answer, error) {
		return c.ClientCredentials(t.Context(), e)
	}
)

func TestWhatIsSentToTheTokenEndpoint(t *testing.T) {
	for _, tc := range []struct {
		name   string
		call   call
		adjust func(*oauth.Endpoint)
		want   url.Values
	}{
		{"a code with PKCE", exchange, nil, url.Values{
			"grant_type": {"authorization_code"}, "code": {"C"}, "code_verifier": {"V"},
			"redirect_uri": {"https://here.example/callback"}, "client_id": {"id"}, "client_secret": {canarySecret},
		}},
		{"a code without PKCE", exchange, func(e *oauth.Endpoint) { e.NoPKCE = true }, url.Values{
			"grant_type": {"authorization_code"}, "code": {"C"},
			"redirect_uri": {"https://here.example/callback"}, "client_id": {"id"}, "client_secret": {canarySecret},
		}},
		{"a code with a parameter of the provider", exchange, func(e *oauth.Endpoint) {
			e.TokenParams = map[string]string{"audience": "x y"}
			e.RefreshParams = map[string]string{"other": "1"}
		}, url.Values{
			"grant_type": {"authorization_code"}, "code": {"C"}, "code_verifier": {"V"}, "audience": {"x y"},
			"redirect_uri": {"https://here.example/callback"}, "client_id": {"id"}, "client_secret": {canarySecret},
		}},
		{"a refresh", refresh, nil, url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {canaryRefresh}, "client_id": {"id"}, "client_secret": {canarySecret},
		}},
		{"a refresh with parameters of the provider", refresh, func(e *oauth.Endpoint) {
			e.TokenParams = map[string]string{"other": "1"}
			e.RefreshParams = map[string]string{"scope": "a", "grant_type": "renew"}
		}, url.Values{
			"grant_type": {"renew"}, "scope": {"a"}, "refresh_token": {canaryRefresh}, "client_id": {"id"}, "client_secret": {canarySecret},
		}},
		{"a refresh of a public client", refresh, func(e *oauth.Endpoint) { e.AuthStyle = oauth.AuthNone }, url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {canaryRefresh}, "client_id": {"id"},
		}},
		{"a refresh with the client in the header", refresh, func(e *oauth.Endpoint) { e.AuthStyle = oauth.AuthHeader }, url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {canaryRefresh},
		}},
		{"client credentials", clientCredentials, func(e *oauth.Endpoint) {
			e.Scopes, e.ScopeSeparator = []string{"a", "b"}, ","
		}, url.Values{
			"grant_type": {"client_credentials"}, "scope": {"a,b"}, "client_id": {"id"}, "client_secret": {canarySecret},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := record(t, granting)
			e := endpoint(srv.URL)
			if tc.adjust != nil {
				tc.adjust(e)
			}
			a, err := tc.call(t, newClient(), e)
			if got := outcome(a, err); got != "ok access=A refresh=R type=bearer in=1h0m0s" {
				t.Fatal(got)
			}
			if diff := cmp.Diff(tc.want, srv.form(t)); diff != "" {
				t.Error(diff)
			}
			got := srv.only(t)
			if got.method != http.MethodPost || got.path != "/token" {
				t.Errorf("%s %s", got.method, got.path)
			}
			if accept := got.header.Get("Accept"); accept != "application/json" {
				t.Errorf("Accept: %q", accept)
			}
			if (got.header.Get("Authorization") != "") != (e.AuthStyle == oauth.AuthHeader) {
				t.Errorf("client authentication is in the wrong place: %v", got.header)
			}
		})
	}
}

func TestBasicAuthenticationIsFormEncodedFirst(t *testing.T) {
	srv := record(t, granting)
	e := endpoint(srv.URL)
	e.AuthStyle, e.ClientID, e.ClientSecret = oauth.AuthHeader, "me:you", secret.New("a b%+ä")
	const want = "me%3Ayou:a+b%25%2B%C3%A4"
	for name, call := range map[string]func() error{
		"refresh": func() error { _, err := newClient().Refresh(t.Context(), e, secret.New("R")); return err },
		"revoke": func() error {
			return newClient().Revoke(t.Context(), e, oauth.Revocation{RefreshToken: secret.New("R")})
		},
	} {
		srv.requests = nil
		if err := call(); err != nil {
			t.Fatal(err)
		}
		header := srv.only(t).header.Get("Authorization")
		if header != "Basic "+base64.StdEncoding.EncodeToString([]byte(want)) {
			t.Errorf("%s: %s", name, header)
		}
	}
}

func TestABodyInJSON(t *testing.T) {
	srv := record(t, granting)
	e := endpoint(srv.URL)
	e.BodyFormat, e.RefreshParams = oauth.BodyJSON, map[string]string{"x": `"quoted"`}
	if _, err := newClient().Refresh(t.Context(), e, secret.New("R")); err != nil {
		t.Fatal(err)
	}
	got := srv.only(t)
	var members map[string]string
	if err := json.Unmarshal([]byte(got.body), &members); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"grant_type": "refresh_token", "refresh_token": "R", "x": `"quoted"`,
		"client_id": "id", "client_secret": canarySecret,
	}
	if diff := cmp.Diff(want, members); diff != "" {
		t.Error(diff)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type: %q", ct)
	}
}

func TestARefreshURLOfItsOwn(t *testing.T) {
	srv := record(t, granting)
	e := endpoint(srv.URL)
	e.RefreshURL = srv.URL + "/renew"
	if _, err := newClient().Refresh(t.Context(), e, secret.New("R")); err != nil {
		t.Fatal(err)
	}
	if got := srv.only(t).path; got != "/renew" {
		t.Errorf("the refresh went to %s", got)
	}
}

func TestNothingIsSentThatMustNotBe(t *testing.T) {
	c := newClient()
	plain := endpoint("http://as.example")
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"secrets to a plain http URL": {second(c.Refresh(t.Context(), plain, secret.New("R"))), "config bad_url"},
		"a revocation to one":         {c.Revoke(t.Context(), plain, oauth.Revocation{RefreshToken: secret.New("R")}), "config bad_url"},
		"a refresh without a token":   {second(c.Refresh(t.Context(), endpoint("https://as.example"), secret.String{})), "transient no_token"},
		"a revocation without a token": {
			c.Revoke(t.Context(), endpoint("https://as.example"), oauth.Revocation{}), "transient no_token",
		},
		"a revocation without a URL": {
			c.Revoke(t.Context(), &oauth.Endpoint{}, oauth.Revocation{RefreshToken: secret.New("R")}), "config bad_url",
		},
	} {
		if got := outcome(nil, tc.err); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheAuthorizationURL(t *testing.T) {
	e := endpoint("https://as.example")
	e.AuthorizeURL = "https://as.example/authorize?tenant=7"
	e.Scopes, e.ScopeSeparator = []string{"a", "b"}, ","
	e.AuthorizeParams = map[string]string{
		"token_access_type": "offline",
		// None of these may weaken a consent.
		"state": "fixed", "redirect_uri": "https://evil.example", "client_id": "other",
		"code_challenge": "x", "code_challenge_method": "plain",
	}
	verifier := oauth.NewVerifier()
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])

	for _, tc := range []struct {
		name   string
		adjust func(*oauth.Endpoint, *oauth.AuthorizeRequest)
		scope  string
		pkce   bool
	}{
		{"the endpoint's scopes, with PKCE", func(*oauth.Endpoint, *oauth.AuthorizeRequest) {}, "a,b", true},
		{"scopes of its own", func(_ *oauth.Endpoint, r *oauth.AuthorizeRequest) { r.Scopes = []string{"c"} }, "c", true},
		{"no PKCE", func(e *oauth.Endpoint, _ *oauth.AuthorizeRequest) { e.NoPKCE = true }, "a,b", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := *e
			r := oauth.AuthorizeRequest{State: "S", Verifier: verifier, RedirectURI: "https://here.example/callback"}
			tc.adjust(&e, &r)
			u, err := url.Parse(newClient().AuthorizeURL(&e, r))
			if err != nil {
				t.Fatal(err)
			}
			want := url.Values{
				"tenant": {"7"}, "response_type": {"code"}, "client_id": {"id"}, "state": {"S"},
				"redirect_uri": {"https://here.example/callback"}, "scope": {tc.scope}, "token_access_type": {"offline"},
			}
			if tc.pkce {
				want["code_challenge"], want["code_challenge_method"] = []string{challenge}, []string{"S256"}
			}
			if diff := cmp.Diff(want, u.Query()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatesAndVerifiersDiffer(t *testing.T) {
	if s := oauth.NewState(); s == oauth.NewState() || len(s) != 43 {
		t.Errorf("a state of %d characters, or the same twice", len(s))
	}
	if v := oauth.NewVerifier(); v.Equal(oauth.NewVerifier()) || len(v.Reveal()) != 43 {
		t.Errorf("a verifier of %d characters, or the same twice", len(v.Reveal()))
	}
}

func TestRevocation(t *testing.T) {
	both := oauth.Revocation{AccessToken: secret.New("A"), RefreshToken: secret.New("R")}
	for _, tc := range []struct {
		name   string
		style  oauth.RevokeStyle
		tokens oauth.Revocation
		status int
		body   string
		sent   string
		bearer string
		want   string
	}{
		{"the refresh token first", oauth.RevokeRFC7009, both, 200, "", "token=R&token_type_hint=refresh_token", "", "ok"},
		{"the access token if there is no other", oauth.RevokeRFC7009, oauth.Revocation{AccessToken: secret.New("A")}, 200, "", "token=A&token_type_hint=access_token", "", "ok"},
		{"as bearer with an empty body", oauth.RevokeBearer, both, 200, "null", "", "Bearer A", "ok"},
		{"any success will do", oauth.RevokeRFC7009, both, 204, "", "token=R&token_type_hint=refresh_token", "", "ok"},
		{"a refusal", oauth.RevokeRFC7009, both, 401, `{"error":"invalid_client"}`, "token=R&token_type_hint=refresh_token", "", "config invalid_client code=invalid_client"},
		{"a refusal with status 200", oauth.RevokeRFC7009, both, 200, `{"ok":false,"error":"nope"}`, "token=R&token_type_hint=refresh_token", "", "transient status code=nope"},
		{"a failure", oauth.RevokeRFC7009, both, 503, "", "token=R&token_type_hint=refresh_token", "", "transient status in doubt"},
		{"a redirect", oauth.RevokeBearer, both, 307, "", "", "Bearer A", "transient redirect in doubt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			e := endpoint(srv.URL)
			e.RevokeStyle, e.AuthStyle = tc.style, oauth.AuthHeader
			err := newClient().Revoke(t.Context(), e, tc.tokens)
			if got := outcome(nil, err); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			got := srv.only(t)
			if got.path != "/revoke" || got.body != tc.sent {
				t.Errorf("sent %q to %s", got.body, got.path)
			}
			if tc.bearer != "" && got.header.Get("Authorization") != tc.bearer {
				t.Errorf("Authorization: %s", got.header.Get("Authorization"))
			}
		})
	}
}
