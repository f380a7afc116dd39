package jwt

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/freeport"
)

func redirectTo(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) }
}

func body(format string, a ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, format, a...) }
}

func TestFailuresToGetTheKeys(t *testing.T) {
	s := newTestIssuer(t)
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("another host was called")
	}))
	defer elsewhere.Close()
	weak := weakKey(t)
	document := body(`{"issuer":%q,"jwks_uri":%q}`, s.URL, s.URL+keysPath)
	for _, tc := range []struct {
		name      string
		discovery http.HandlerFunc
		keys      http.HandlerFunc
		want      error
	}{
		{name: "discovery answers with an error", discovery: unavailable, want: statusError(503)},
		{name: "discovery answers with no content", discovery: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, want: statusError(204)},
		{name: "discovery redirects to another host", discovery: redirectTo(elsewhere.URL), want: errRedirect},
		{name: "discovery redirects to http", discovery: redirectTo(strings.Replace(s.URL, "https", "http", 1)), want: errRedirect},
		{name: "discovery redirects without end", discovery: redirectTo("/.well-known/openid-configuration"), want: errRedirect},
		{name: "discovery is no JSON", discovery: body("canary-body"), want: errDiscovery},
		{name: "discovery has no end", discovery: body(`{"x":"%s"}`, strings.Repeat("canary", 1<<18)), want: errTooLarge},
		{name: "discovery is of another issuer", discovery: body(`{"issuer":"https://canary.example.com","jwks_uri":%q}`, s.URL+keysPath), want: errOtherIssuer},
		{name: "discovery names the issuer with a slash", discovery: body(`{"issuer":%q,"jwks_uri":%q}`, s.URL+"/", s.URL+keysPath), want: errOtherIssuer},
		{name: "discovery names no keys", discovery: body(`{"issuer":%q}`, s.URL), want: errKeysURL},
		{name: "discovery names keys over http", discovery: body(`{"issuer":%q,"jwks_uri":"http://127.0.0.1:9/canary"}`, s.URL), want: errKeysURL},
		{name: "discovery names keys in a file", discovery: body(`{"issuer":%q,"jwks_uri":"file:///etc/canary"}`, s.URL), want: errKeysURL},
		{name: "discovery breaks off", discovery: breakOff, want: errDiscovery},
		{name: "keys answer with an error", keys: unavailable, want: statusError(503)},
		{name: "keys redirect to another host", keys: redirectTo(elsewhere.URL), want: errRedirect},
		{name: "keys are no JSON", keys: body("canary-body"), want: errKeySet},
		{name: "keys are a list", keys: body("[]"), want: errKeySet},
		{name: "keys have no end", keys: body(`{"x":"%s"}`, strings.Repeat("canary", 1<<18)), want: errTooLarge},
		{name: "keys break off", keys: breakOff, want: errBroken},
		{name: "there are no keys", keys: body(`{"keys":[]}`), want: errNoKeys},
		{name: "there is a secret key only", keys: body(`{"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","kid":"first"}]}`), want: errNoKeys},
		{name: "there is a private key only", keys: keysOf(t, jose.JSONWebKey{Key: s.key.private, KeyID: "first"}), want: errNoKeys},
		{name: "there is a key for encryption only", keys: keysOf(t, jose.JSONWebKey{Key: s.key.private.Public(), KeyID: "first", Use: "enc"}), want: errNoKeys},
		{name: "there is a weak key only", keys: keysOf(t, weak), want: errNoKeys},
		{name: "there are kinds of keys that nobody knows", keys: body(`{"keys":[{"kty":"PQ"},{"kty":"EC","crv":"X"},{},7,null]}`), want: errNoKeys},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == keysPath:
					tc.keys(w, r)
				case tc.discovery != nil:
					tc.discovery(w, r)
				default:
					document(w, r)
				}
			})
			v := s.verifier(t, s.rule(), nil)
			_, ok, err := v.Verify(t.Context(), s.good(t))
			if ok || !errors.Is(err, ErrUnreachable) || !errors.Is(err, tc.want) {
				t.Errorf("%t, error %v; want %v", ok, err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the server: %v", err)
			}
		})
	}
}

func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"canary`)
}

func keysOf(t *testing.T, keys ...jose.JSONWebKey) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"keys":[`)
		for n, k := range keys {
			encoded, err := k.MarshalJSON()
			if err != nil {
				t.Error(err)
			}
			fmt.Fprint(w, strings.Repeat(",", min(n, 1)), string(encoded))
		}
		fmt.Fprint(w, `]}`)
	}
}

func weakKey(t *testing.T) jose.JSONWebKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	private, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: private.Public(), KeyID: "first"}
}

func TestKeysThatAreNotUnderstoodDoNotHideTheOthers(t *testing.T) {
	s := newTestIssuer(t)
	good, err := s.key.public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	set, err := parseKeySet(fmt.Appendf(nil, `{"keys":[{"kty":"PQ"},{"kty":"OKP","crv":"Ed448","x":"AA"},{"kty":"oct","k":"AAAA"},{"kty":"RSA"},%s]}`, good))
	if err != nil || len(set.keys) != 1 {
		t.Fatalf("%v, error %v", set, err)
	}
}

func TestRedirectsOfTheSameServerAreFollowed(t *testing.T) {
	s := newTestIssuer(t)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			redirectTo("/moved")(w, r)
		case "/moved":
			body(`{"issuer":%q,"jwks_uri":%q}`, s.URL, s.URL+keysPath+"?p=policy")(w, r)
		default:
			keysOf(t, s.key.public())(w, r)
		}
	})
	checkVerified(t, s.verifier(t, s.rule(), nil), s.good(t), "ann")
}

func TestServerWithoutATrustedCertificate(t *testing.T) {
	s := newTestIssuer(t)
	v, err := s.rule().Provision(Options{Now: s.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := v.Verify(t.Context(), s.good(t)); ok || !errors.Is(err, errCertificate) {
		t.Errorf("%t, error %v", ok, err)
	}
}

func TestNobodyListens(t *testing.T) {
	port, err := freeport.Pick()
	if err != nil {
		t.Fatal(err)
	}
	issuer := fmt.Sprintf("http://127.0.0.1:%d", port)
	s := newTestIssuer(t)
	v := s.verifier(t, Issuer{Issuer: issuer, Audiences: []string{audience}}, nil)
	raw := s.key.sign(t, s.claims(object{"iss": issuer}), nil)
	if _, ok, err := v.Verify(t.Context(), raw); ok || !errors.Is(err, errConnect) {
		t.Errorf("%t, error %v", ok, err)
	}
}
