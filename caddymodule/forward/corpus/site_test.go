package corpus

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// tokenStart is what each token of the stand-in begins with.
const tokenStart = "standin-at-"

// site is a Caddy with a route of each shape, without TLS and with it, before an API with two hosts.
type site struct {
	tb           testing.TB
	ports        map[string]int // by scheme and route
	roots        *x509.CertPool
	api, content *api
	token        string
	log          *os.File // nil: it is quiet
}

const caddyfile = `{
	admin off
	persist_config off
	auto_https off
	storage file_system %[1]s
	log default {
		output file %[1]s/log {
			roll_disabled
		}
		level %[2]s
	}
	servers {
		protocols h1 h2 h2c
		log_credentials
	}
	token_store {
		provider demo generic {
			grant client_credentials
			client_id id
			client_secret client-secret
			token_url %[3]s/oauth2/token
			host api http://%[4]s/v1
			host content http://%[5]s
		}
	}
}
`

// routes are the shapes of a route. But for reuse, the API has a new connection for each request, so that
// whatever is too much on it is seen.
var routes = map[string]string{
	"bare":     "token_proxy demo/one {\nverbose_logs\ntransport http {\nkeepalive off\n}\n}",
	"stripped": "handle_path /dropbox/* {\ntoken_proxy demo/one {\nverbose_logs\ntransport http {\nkeepalive off\n}\n}\n}\nrespond 404",
	"reuse":    "token_proxy demo/one",
}

// newSite starts it. level is that of its log.
func newSite(tb testing.TB, level string) *site {
	tb.Helper()
	dir := tb.TempDir()
	tb.Setenv("XDG_DATA_HOME", dir)
	tb.Setenv("XDG_CONFIG_HOME", dir)
	s := &site{tb: tb, ports: map[string]int{}, api: newAPI(tb), content: newAPI(tb)}
	oauth := standin.New(standin.Options{Clients: []standin.Client{{ID: "id", Secret: "client-secret"}}})
	if err := oauth.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = oauth.Close() })
	cert, key := s.certificate(dir)

	var text strings.Builder
	fmt.Fprintf(&text, caddyfile, dir, level, oauth.OAuthURL(), s.api.address(), s.content.address())
	for route, directives := range routes {
		for scheme, settings := range map[string]string{"http": "", "https": "tls " + cert + " " + key} {
			port := testcaddy.FreePort(tb)
			s.ports[scheme+" "+route] = port
			fmt.Fprintf(&text, "%s://:%d {\nbind 127.0.0.1\nlog\n%s\n%s\n}\n", scheme, port, settings, directives)
		}
	}
	raw, err := testcaddy.Adapt(text.String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			tb.Error(err)
		}
	})
	if err := caddy.Load(raw, true); err != nil {
		tb.Fatal(err)
	}
	if s.log, err = os.Open(filepath.Join(dir, "log")); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.log.Close() })
	s.learnToken()
	return s
}

// certificate makes a certificate authority, and a certificate for the site in two files.
func (s *site) certificate(dir string) (cert, key string) {
	s.tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "corpus"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		s.tb.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(parsed)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.tb.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			s.tb.Fatal(err)
		}
	}
	return cert, key
}

// learnToken sends the first request, which fetches the token.
func (s *site) learnToken() {
	s.tb.Helper()
	x := s.exchange(http1, "bare")
	x.http1([]byte("GET / HTTP/1.1\r\nHost: "+x.values["site"]+"\r\n\r\n"), []string{"GET"}, false)
	s.api.settle()
	for _, raw := range s.api.received() {
		messages, err := readMessages(raw)
		if err != nil {
			s.tb.Fatal(err)
		}
		for _, m := range messages {
			s.token = strings.TrimPrefix(strings.Join(m.values("Authorization"), ","), "Bearer ")
		}
	}
	if !strings.HasPrefix(s.token, tokenStart) {
		s.tb.Fatal("the API got no token of the stand-in")
	}
}

// logged returns what was logged since it was called last.
func (s *site) logged() []byte {
	s.tb.Helper()
	text, err := io.ReadAll(s.log)
	if err != nil {
		s.tb.Fatal(err)
	}
	return text
}

// exchange is what a client and Caddy tell each other over one connection.
type exchange struct {
	s      *site
	p      protocol
	values map[string]string // for expand
	conn   net.Conn
	raw    bytes.Buffer // what the client got
	got    []received
}

// received is what the client got for a request.
type received struct {
	what   string // as in outcome
	header map[string][]string
	body   string
}

func (s *site) exchange(p protocol, route string) *exchange {
	s.tb.Helper()
	scheme, prefix := "http", ""
	if p == tls1 || p == tls2 {
		scheme = "https"
	}
	if route == "stripped" {
		prefix = "/dropbox"
	}
	port := fmt.Sprint(s.ports[scheme+" "+route])
	x := &exchange{s: s, p: p, values: map[string]string{
		"site": "127.0.0.1:" + port, "port": port, "scheme": scheme, "prefix": prefix, "canary": canary,
		"api": s.api.address(), "content": s.content.address(),
	}}
	var err error
	if x.conn, err = net.Dial("tcp", x.values["site"]); err != nil {
		s.tb.Fatal(err)
	}
	if err := x.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.tb.Fatal(err)
	}
	if scheme == "https" {
		alpn := map[protocol]string{tls1: "http/1.1", tls2: "h2"}[p]
		client := tls.Client(x.conn, &tls.Config{ServerName: "localhost", RootCAs: s.roots, NextProtos: []string{alpn}, MinVersion: tls.VersionTLS12})
		if err := client.Handshake(); err != nil || client.ConnectionState().NegotiatedProtocol != alpn {
			s.tb.Fatalf("no TLS with %s: %v", alpn, err)
		}
		x.conn = client
	}
	return x
}

// closeWrite tells Caddy that no more is sent.
func (x *exchange) closeWrite() {
	if half, ok := x.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it may be closed already
	}
}
