package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/zap"
)

const (
	audience = "https://tokens.example.com"
	keysPath = "/keys"
)

// testNow is the time of all tests.
var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex // guards at
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// key is a private key under a name.
type key struct {
	id      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

func newKey(t testing.TB, id string, alg jose.SignatureAlgorithm) key {
	t.Helper()
	k := key{id: id, alg: alg}
	var err error
	switch alg {
	case jose.ES256:
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		k.private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		k.private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jose.EdDSA:
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// public is k as the issuer publishes it.
func (k key) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.alg), Use: "sig"}
}

// sign returns a token with these claims, and with header added to alg and kid.
func (k key) sign(t testing.TB, claims any, header map[jose.HeaderKey]any) string {
	t.Helper()
	payload, isRaw := claims.(string)
	if !isRaw {
		encoded, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		payload = string(encoded)
	}
	options := &jose.SignerOptions{ExtraHeaders: header}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// testIssuer is an issuer that serves TLS on a loopback address.
type testIssuer struct {
	*httptest.Server
	key   key
	clock *clock

	mu       sync.Mutex // guards what follows
	keys     any        // the key set
	document func(w http.ResponseWriter, r *http.Request)
	requests map[string]int // by path
}

func newTestIssuer(t testing.TB) *testIssuer {
	t.Helper()
	s := &testIssuer{key: newKey(t, "first", jose.ES256), clock: &clock{at: testNow}, requests: make(map[string]int)}
	s.publish(s.key.public())
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that a test lets fail
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *testIssuer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	keys, document := s.keys, s.document
	s.requests[r.URL.Path]++
	s.mu.Unlock()
	switch {
	case document != nil:
		document(w, r)
	case r.URL.Path == keysPath:
		_ = json.NewEncoder(w).Encode(keys)
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": s.URL, "jwks_uri": s.URL + keysPath})
	default:
		http.NotFound(w, r)
	}
}

// publish replaces the issuer's keys.
func (s *testIssuer) publish(keys ...jose.JSONWebKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = jose.JSONWebKeySet{Keys: keys}
}

// answer lets h answer all requests; nil ends that.
func (s *testIssuer) answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.document = h
}

// asked returns how often the keys were asked for, after whatever is under way in v is over.
func (s *testIssuer) asked(v *Verifier) int {
	settle(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[keysPath]
}

// total returns how many requests came.
func (s *testIssuer) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, count := range s.requests {
		n += count
	}
	return n
}

// settle waits for the fetch that is under way.
func settle(v *Verifier) {
	v.keys.mu.Lock()
	flight := v.keys.flight
	v.keys.mu.Unlock()
	if flight != nil {
		<-flight
	}
}

// rule is the rule that the issuer's tokens fulfil.
func (s *testIssuer) rule() Issuer {
	return Issuer{Issuer: s.URL, Audiences: []string{"api", audience}}
}

func (s *testIssuer) pool() *x509.CertPool {
	return s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

// verifier returns one for the rule, with a transport that trusts the issuer's certificate.
func (s *testIssuer) verifier(t testing.TB, i Issuer, log *zap.Logger) *Verifier {
	t.Helper()
	transport := oneByOne()
	transport.TLSClientConfig.RootCAs = s.pool()
	v, err := i.Provision(Options{Client: &http.Client{Transport: transport}, Now: s.clock.now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { settle(v) })
	return v
}

// claims are those of a good token, with changes; a nil takes a claim away.
func (s *testIssuer) claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": s.URL, "aud": audience, "sub": "ann",
		"exp": testNow.Add(time.Hour).Unix(), "iat": testNow.Unix(),
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// good is a token that is valid.
func (s *testIssuer) good(t testing.TB) string { return s.key.sign(t, s.claims(nil), nil) }

// checkVerified compares what v says of raw with the caller that is wanted, none if it is empty.
func checkVerified(t *testing.T, v *Verifier, raw, want string) {
	t.Helper()
	name, ok, err := v.Verify(t.Context(), raw)
	if err != nil || ok != (want != "") || name != want {
		t.Errorf("caller %q, %t, error %v; want %q", name, ok, err, want)
	}
}
