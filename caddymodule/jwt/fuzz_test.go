package jwt

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// No token makes Verify panic or lets in somebody whom the issuer does not know. The network is reached only by what claims to be of the issuer.
func FuzzVerify(f *testing.F) {
	s := &testIssuer{Server: &httptest.Server{URL: "https://login.example.com"}, key: newKey(f, "first", jose.ES256), clock: &clock{at: testNow}}
	asked := false
	offline := roundTrip(func(*http.Request) (*http.Response, error) {
		asked = true
		return nil, errors.New("offline")
	})
	rule := Issuer{Issuer: s.URL, Audiences: []string{audience}, Require: map[string][]string{"a.b": {"c"}}}
	f.Add(s.key.sign(f, s.claims(object{"a": object{"b": "c"}}), nil))
	f.Add(s.good(f))
	f.Add(encode(`{"alg":"none"}`) + "." + encode(s.claims(nil)) + ".")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		asked = false
		v, err := rule.Provision(Options{Client: &http.Client{Transport: offline}, Now: s.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		_, ok, err := v.Verify(t.Context(), raw)
		settle(v)
		claimed := false
		if p, why := parse(raw); why == "" && len(raw) <= maxToken {
			_, why = v.rules.check(p.claims, testNow)
			claimed = why == ""
		}
		if ok || asked != claimed || (err != nil) != claimed {
			t.Errorf("admitted %t, error %v, network %t; is it of the issuer: %t", ok, err, asked, claimed)
		}
	})
}

// What an issuer publishes as its keys makes nothing panic, and only public keys come out.
func FuzzParseKeySet(f *testing.F) {
	public, err := newKey(f, "k", jose.ES256).public().MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(append([]byte(`{"keys":[`), public...), `]}`...))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","n":"AQAB","e":"AQAB"},null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeySet(body)
		if (err == nil) == (set == nil) {
			t.Fatalf("%v, %v", set, err)
		}
		if set == nil {
			return
		}
		for _, key := range set.keys {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("key %v", key)
			}
		}
	})
}
