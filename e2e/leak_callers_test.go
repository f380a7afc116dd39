package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// Secrets that clients send of their own, which nobody is to write down.
const (
	ownBearer       = "planted/own+bearer=8c1f77"
	ownProxySecret  = "planted-own-proxy-9d02ab"
	ownCookie       = "planted-own-cookie-41e6c3"
	subscriptionKey = "planted-subscription-key-6b90fe"
	proxyPassword   = "planted-proxy-password-77aa02"
	idToken         = "eyPlantedIDToken.e30.c2lnbmF0dXJl"
)

// tap passes the requests to a token endpoint on, and tells the verifiers of PKCE that are in them.
func tap(t *testing.T, server *standin.Server) (at string, verifiers <-chan string) {
	t.Helper()
	to, err := url.Parse(server.OAuthURL())
	if err != nil {
		t.Fatal(err)
	}
	proxy, told := httputil.NewSingleHostReverseProxy(to), make(chan string, 8)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if form, _ := url.ParseQuery(string(raw)); form.Get("code_verifier") != "" {
			told <- form.Get("code_verifier")
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(between.Close)
	return between.URL, told
}

// callers uses the routes as all kinds of callers, which have secrets of their own.
func (s *scan) callers(issuer *jwtIssuer) {
	s.t.Helper()
	printed := strings.Fields(string(s.run("keys", "create", "backend", "--allow", "dropbox-demo/auth")))
	key := printed[len(printed)-1]
	s.secrets["caller key"] = lastPart(key)
	s.look("caddy token-store keys create", []byte(key))
	bearer := "Authorization: Bearer " + key
	if status, _ := s.fetch(http.MethodGet, "/keyed", nil, bearer); status != http.StatusOK {
		s.t.Errorf("with a key: status %d", status)
	}
	s.fetch(http.MethodGet, "/keyed?subscription-key="+key, nil)
	s.fetch(http.MethodGet, "/keyed?min_ttl=1&subscription-key="+subscriptionKey, nil)
	s.fetch(http.MethodGet, "/keyed", nil, "Ocp-Apim-Subscription-Key: "+subscriptionKey)
	s.fetch(http.MethodPost, "/2/users/get_current_account?subscription-key="+subscriptionKey, nil)
	s.fetch(http.MethodPost, "/2/users/get_current_account", []byte("null"), bearer)

	asked, err := json.Marshal(map[string]any{"origin": "https://app.example.com", "connection": "dropbox-demo/auth"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.may["page grant"] = []string{"POST /grants"}
	var given struct{ Grant string }
	if _, answer := s.fetch(http.MethodPost, "/grants", asked, bearer); json.Unmarshal(answer, &given) != nil || given.Grant == "" {
		s.t.Fatalf("no grant: %s", answer)
	}
	s.secrets["page grant"] = lastPart(given.Grant)
	s.look("POST /grants", []byte(given.Grant))
	s.fetch(http.MethodPost, "/2/users/get_current_account", []byte("null"), "Authorization: Bearer "+given.Grant, "Origin: https://app.example.com")
	s.fetch(http.MethodPost, "/2/users/get_current_account", []byte("null"), "Authorization: Bearer "+given.Grant, "Origin: https://other.example.com")

	token := issuer.token("sid1", "audience:https://tokens.example.com")
	s.secrets["signature of a caller's JSON Web Token"] = lastPart(token)
	s.fetch(http.MethodGet, "/jwt", nil, "Authorization: Bearer "+token)
	s.fetch(http.MethodGet, "/jwt", nil, "Authorization: Bearer "+token+"x")
	for _, path := range []string{"/token", "/dropbox/2/users/get_current_account", "/jwt", "/keyed", "/missing"} {
		s.fetch(http.MethodPost, path, []byte("null"),
			"Authorization: Bearer "+ownBearer, "Proxy-Authorization: Basic "+ownProxySecret, "Cookie: session="+ownCookie)
	}
	s.run("keys", "list")
	s.run("keys", "revoke", "backend")
	s.fetch(http.MethodGet, "/keyed", nil, bearer)
}

// lastPart returns what nobody can make up of a key, a grant or a JSON Web Token: what stands before it tells what it is for.
func lastPart(text string) string { return text[strings.LastIndexAny(text, "_.")+1:] }

// unreachable uses connections to APIs that cannot be reached, each in another way, and one by way of a proxy with a password.
func (s *scan) unreachable() {
	s.t.Helper()
	imported, err := json.Marshal(map[string]any{"access_token": s.secrets["imported access token"], "refresh_token": s.secrets["imported refresh token"], "expires_in": 3600})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, provider := range []string{"closed", "plain"} {
		s.ask(http.MethodPut, "/token_store/connections/"+provider+"/auth", imported)
		if status, answer := s.fetch(http.MethodGet, "/"+provider+"/x?q=1", nil); status != http.StatusBadGateway {
			s.t.Errorf("%s: status %d: %s", provider, status, answer)
		}
		s.ask(http.MethodPost, "/token_store/connections/"+provider+"/auth/refresh", nil)
		s.ask(http.MethodDelete, "/token_store/connections/"+provider+"/auth", nil)
	}
	s.fetch(http.MethodGet, "/proxied/2/users/get_current_account", nil)
}
