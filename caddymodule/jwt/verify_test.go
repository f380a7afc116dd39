package jwt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

type object = map[string]any

type header = map[jose.HeaderKey]any

func encode(v any) string {
	raw, ok := v.(string)
	if !ok {
		encoded, _ := json.Marshal(v)
		raw = string(encoded)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

func TestTokensThatAreBelieved(t *testing.T) {
	s := newTestIssuer(t)
	stranger := newKey(t, "first", jose.ES256)
	for _, tc := range []struct {
		name   string
		claims object
		header header
		rule   func(*Issuer)
		caller string // ann if empty
	}{
		{name: "a token with one audience"},
		{name: "a token with several audiences", claims: object{"aud": []string{"other", audience}}},
		{name: "a token of type JWT", header: header{"typ": "JWT"}},
		{name: "an access token of RFC 9068", header: header{"typ": "at+jwt"}},
		{name: "an access token with the long media type", header: header{"typ": "application/AT+JWT"}},
		{name: "a token without iat", claims: object{"iat": nil}},
		{name: "a token in its last second", claims: object{"exp": testNow.Add(time.Second).Unix()}},
		{name: "a token from a clock that is a minute ahead", claims: object{"iat": testNow.Add(time.Minute).Unix(), "nbf": testNow.Add(time.Minute).Unix()}},
		{name: "a token that points to keys elsewhere", header: header{"jku": s.URL + "/evil", "x5u": s.URL + "/evil", "jwk": stranger.public()}},
		{name: "a required claim that is a string", claims: object{"tid": "t1"}, rule: require("tid", "t0", "t1")},
		{name: "a required claim that is an array", claims: object{"groups": []any{1, "staff"}}, rule: require("groups", "staff")},
		{name: "a required claim that is a boolean", claims: object{"email_verified": true}, rule: require("email_verified", "true")},
		{name: "a required scope among others", claims: object{"scope": "openid tokens.use"}, rule: require("scope", "tokens.use")},
		{name: "a required claim in a claim", claims: object{"realm_access": object{"roles": []string{"editor"}}}, rule: require("realm_access.roles", "editor")},
		{name: "a required claim whose name is a URL", claims: object{"https://example.com/role": "editor"}, rule: require("https://example.com/role", "editor")},
		{name: "a name from another claim", claims: object{"oid": "0001"}, rule: func(i *Issuer) { i.Name = "oid" }, caller: "0001"},
		{name: "a name beyond ASCII", claims: object{"sub": "Ännchen 世界"}, caller: "Ännchen 世界"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rule := s.rule()
			if tc.rule != nil {
				tc.rule(&rule)
			}
			if tc.caller == "" {
				tc.caller = "ann"
			}
			checkVerified(t, s.verifier(t, rule, nil), s.key.sign(t, s.claims(tc.claims), tc.header), tc.caller)
		})
	}
	if s.requests["/evil"] != 0 {
		t.Error("the URL in the header was called")
	}
}

func require(claim string, values ...string) func(*Issuer) {
	return func(i *Issuer) { i.Require = map[string][]string{claim: values} }
}

func TestAlgorithmsThatAreBelieved(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			s := newTestIssuer(t)
			s.key = newKey(t, "k", alg)
			s.publish(s.key.public())
			checkVerified(t, s.verifier(t, s.rule(), nil), s.good(t), "ann")
		})
	}
}

// The log tells the reason. It is compared, lest a token be refused for something else than the case is about.
func TestTokensThatAreRefused(t *testing.T) {
	s := newTestIssuer(t)
	rs := newKey(t, "rsa", jose.RS256)
	s.publish(s.key.public(), rs.public())
	ps := key{id: rs.id, alg: jose.PS256, private: rs.private}
	stranger := newKey(t, s.key.id, jose.ES256)
	body := encode(s.claims(nil))
	parts := strings.Split(s.good(t), ".")
	with := func(changes object) string { return s.key.sign(t, s.claims(changes), nil) }
	headed := func(h header) string { return s.key.sign(t, s.claims(nil), h) }
	for _, tc := range []struct {
		name string
		raw  string
		rule func(*Issuer)
		why  refusal
	}{
		{name: "nothing", raw: "", why: refusedForm},
		{name: "no token", raw: "sl.u.opaque", why: refusedForm},
		{name: "no signature: alg none", raw: encode(object{"alg": "none"}) + "." + body + ".", why: refusedForm},
		{name: "no signature: alg nOnE", raw: encode(object{"alg": "nOnE"}) + "." + body + ".", why: refusedForm},
		{name: "alg is missing", raw: encode(object{"kid": "first"}) + "." + body + "." + parts[2], why: refusedForm},
		{name: "HS256 with the public key as PEM", raw: hs256(t, rs, body, true), why: refusedForm},
		{name: "HS256 with the public key as DER", raw: hs256(t, rs, body, false), why: refusedForm},
		{name: "the signature is stripped", raw: parts[0] + "." + parts[1] + ".", why: refusedSignature},
		{name: "the signature and its dot are stripped", raw: parts[0] + "." + parts[1], why: refusedForm},
		{name: "the signature is of zeros", raw: parts[0] + "." + parts[1] + "." + encode(strings.Repeat("\x00", 64)), why: refusedSignature},
		{name: "the claims were changed after signing", raw: parts[0] + "." + encode(s.claims(object{"sub": "bob"})) + "." + parts[2], why: refusedSignature},
		{name: "a fourth part", raw: s.good(t) + ".e30", why: refusedForm},
		{name: "the JSON form of a JWS", raw: fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]), why: refusedForm},
		{name: "an encrypted token", raw: jwe(t, rs, s.good(t)), why: refusedForm},
		{name: "a token in a token", raw: s.key.sign(t, s.good(t), header{"cty": "JWT"}), why: refusedHeader},
		{name: "a token in a token that does not say so", raw: s.key.sign(t, s.good(t), nil), why: refusedClaims},
		{name: "the key of another issuer under the same name", raw: stranger.sign(t, s.claims(nil), nil), why: refusedSignature},
		{name: "the key is in the header", raw: embedded(t, s, stranger), why: refusedSignature},
		{name: "the header points to a key", raw: stranger.sign(t, s.claims(nil), header{"jku": s.URL + "/evil", "x5u": s.URL + "/evil"}), why: refusedSignature},
		{name: "one of the issuer's keys with the algorithm of another", raw: reheaded(parts, object{"alg": "RS256", "kid": "first"}), why: refusedSignature},
		{name: "another algorithm than the key is published for", raw: ps.sign(t, s.claims(nil), nil), why: refusedSignature},
		{name: "a logout token", raw: headed(header{"typ": "logout+jwt"}), why: refusedHeader},
		{name: "a DPoP proof", raw: headed(header{"typ": "dpop+jwt"}), why: refusedHeader},
		{name: "typ is no string", raw: headed(header{"typ": 1}), why: refusedHeader},
		{name: "an extension that is critical", raw: headed(header{"crit": []string{"exp2"}, "exp2": 1}), why: refusedHeader},
		{name: "a payload that is not encoded", raw: headed(header{"crit": []string{"b64"}, "b64": true}), why: refusedHeader},
		{name: "another issuer", raw: with(object{"iss": "https://other.example.com"}), why: refusedIssuer},
		{name: "the issuer with a slash behind it", raw: with(object{"iss": s.URL + "/"}), why: refusedIssuer},
		{name: "the issuer in capitals", raw: with(object{"iss": strings.ToUpper(s.URL)}), why: refusedIssuer},
		{name: "no issuer", raw: with(object{"iss": nil}), why: refusedIssuer},
		{name: "the issuer is a list", raw: with(object{"iss": []string{s.URL}}), why: refusedClaims},
		{name: "another audience", raw: with(object{"aud": "other"}), why: refusedAudience},
		{name: "an audience that only begins like it", raw: with(object{"aud": []string{audience + "/x", "ap"}}), why: refusedAudience},
		{name: "no audience", raw: with(object{"aud": nil}), why: refusedAudience},
		{name: "no audience in the list", raw: with(object{"aud": []string{}}), why: refusedAudience},
		{name: "no expiry", raw: with(object{"exp": nil}), why: refusedNoExpiry},
		{name: "an expiry of null", raw: s.key.sign(t, swap(s, `"exp":`, `"exp":null,"x":`), nil), why: refusedNoExpiry},
		{name: "an expiry that is a string", raw: with(object{"exp": "9999999999"}), why: refusedClaims},
		{name: "an expiry beyond all numbers", raw: s.key.sign(t, swap(s, `"exp":`, `"exp":1e300,"x":`), nil), why: refusedClaims},
		{name: "expired this second", raw: with(object{"exp": testNow.Unix()}), why: refusedExpired},
		{name: "not valid yet", raw: with(object{"nbf": testNow.Add(61 * time.Second).Unix()}), why: refusedEarly},
		{name: "issued in the future", raw: with(object{"iat": testNow.Add(61 * time.Second).Unix()}), why: refusedEarly},
		{name: "a claim twice", raw: s.key.sign(t, swap(s, `"sub":`, `"sub":"bob","sub":`), nil), why: refusedClaims},
		{name: "a member of a claim twice", raw: s.key.sign(t, swap(s, `"sub":`, `"x":{"a":1,"a":2},"sub":`), nil), why: refusedClaims},
		{name: "claims in capitals", raw: s.key.sign(t, swap(s, `"aud":`, `"AUD":`), nil), why: refusedAudience},
		{name: "claims that are a list", raw: s.key.sign(t, `[]`, nil), why: refusedClaims},
		{name: "claims that are null", raw: s.key.sign(t, `null`, nil), why: refusedIssuer},
		{name: "something behind the claims", raw: s.key.sign(t, swap(s, "", "")+`{}`, nil), why: refusedClaims},
		{name: "bound to a key of its holder", raw: with(object{"cnf": object{"jkt": "x"}}), why: refusedBound},
		{name: "a token of 16 KiB and more", raw: with(object{"x": strings.Repeat("x", maxToken)}), why: refusedSize},
		{name: "no subject", raw: with(object{"sub": nil}), why: refusedName},
		{name: "an empty subject", raw: with(object{"sub": ""}), why: refusedName},
		{name: "a subject that is a number", raw: s.key.sign(t, swap(s, `"sub":"ann"`, `"sub":7`), nil), why: refusedClaims},
		{name: "a subject with a line break", raw: with(object{"sub": "ann\nbob"}), why: refusedName},
		{name: "a subject that turns the text round", raw: with(object{"sub": "ann\u202ebob"}), why: refusedName},
		{name: "a subject with what is no character", raw: s.key.sign(t, swap(s, `"ann"`, `"ann\ud800"`), nil), why: refusedName},
		{name: "a subject between spaces", raw: with(object{"sub": " ann"}), why: refusedName},
		{name: "a subject without end", raw: with(object{"sub": strings.Repeat("a", maxName+1)}), why: refusedName},
		{name: "the claim for the name is missing", raw: s.good(t), rule: func(i *Issuer) { i.Name = "oid" }, why: refusedName},
		{name: "the claim for the name is a list", raw: with(object{"oid": []string{"ann"}}), rule: func(i *Issuer) { i.Name = "oid" }, why: refusedName},
		{name: "a required claim is missing", raw: s.good(t), rule: require("tid", "t1"), why: refusedRequire},
		{name: "a required claim has another value", raw: with(object{"tid": "t2"}), rule: require("tid", "t1"), why: refusedRequire},
		{name: "a required claim has the value as a part", raw: with(object{"tid": "t1 t2"}), rule: require("tid", "t1"), why: refusedRequire},
		{name: "a required claim is a number", raw: with(object{"tid": 1}), rule: require("tid", "1"), why: refusedRequire},
		{name: "a required claim is null", raw: s.key.sign(t, swap(s, `"sub":`, `"tid":null,"sub":`), nil), rule: require("tid", "null"), why: refusedRequire},
		{name: "a required claim in a claim that is no object", raw: with(object{"a": "b"}), rule: require("a.b", "b"), why: refusedRequire},
		{name: "one of two required claims", raw: with(object{"a": "1"}), rule: func(i *Issuer) { i.Require = map[string][]string{"a": {"1"}, "b": {"1"}} }, why: refusedRequire},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rule := s.rule()
			if tc.rule != nil {
				tc.rule(&rule)
			}
			core, logs := observer.New(zap.DebugLevel)
			checkVerified(t, s.verifier(t, rule, zap.New(core)), tc.raw, "")
			var reasons []string
			for _, entry := range logs.All() {
				fields := entry.ContextMap()
				reasons = append(reasons, fmt.Sprint(fields["reason"]))
				if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, []string{"issuer", "reason"}) {
					t.Errorf("logged fields %q", got)
				}
			}
			if !slices.Equal(reasons, []string{string(tc.why)}) {
				t.Errorf("refused as %q, want %q", reasons, tc.why)
			}
		})
	}
	if s.requests["/evil"] != 0 {
		t.Error("the URL in the header was called")
	}
}

// swap returns good claims with the first old replaced.
func swap(s *testIssuer, old, with string) string {
	encoded, _ := json.Marshal(s.claims(nil))
	return strings.Replace(string(encoded), old, with, 1)
}

// reheaded is a token with another header.
func reheaded(parts []string, h object) string { return encode(h) + "." + parts[1] + "." + parts[2] }

// hs256 signs with the public key of k as if it were a secret.
func hs256(t *testing.T, k key, body string, pem bool) string {
	t.Helper()
	secret, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if pem {
		var b bytes.Buffer
		fmt.Fprintf(&b, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", base64.StdEncoding.EncodeToString(secret))
		secret = b.Bytes()
	}
	input := encode(object{"alg": "HS256", "kid": k.id}) + "." + body
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// jwe encrypts raw for k.
func jwe(t *testing.T, k key, raw string) string {
	t.Helper()
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: k.private.Public()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := e.Encrypt([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := encrypted.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// embedded is a token of k that brings its own key.
func embedded(t *testing.T, s *testIssuer, k key) string {
	t.Helper()
	return k.sign(t, s.claims(nil), header{"jwk": k.public()})
}

func TestValidTokenIsNotBelievedBeyondItsExpiry(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	raw := s.key.sign(t, s.claims(object{"exp": testNow.Add(30 * time.Second).Unix()}), nil)
	checkVerified(t, v, raw, "ann")
	s.clock.advance(29 * time.Second)
	checkVerified(t, v, raw, "ann")
	s.clock.advance(time.Second)
	checkVerified(t, v, raw, "")
}

func TestRememberedTokensAreBounded(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	for i := range 3 * maxVerified / 2 {
		v.verified.add(sha256.Sum256([]byte{byte(i), byte(i >> 8)}), "x", testNow, testNow.Add(time.Hour))
	}
	if n := len(v.verified.callers); n > maxVerified {
		t.Errorf("%d tokens are remembered", n)
	}
	checkVerified(t, v, s.good(t), "ann")
}
