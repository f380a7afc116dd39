package forward_test

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProxyToHTTP2OverTLS(t *testing.T) { byEither(t, testProxyToHTTP2OverTLS) }

func testProxyToHTTP2OverTLS(t *testing.T, by string) {
	a := new(api)
	a.Server = httptest.NewUnstartedServer(a.handler(echoBody))
	a.EnableHTTP2 = true
	a.StartTLS()
	t.Cleanup(a.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(a.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, upstream := range map[string]string{"of the provider": "", "written down": a.URL} {
		t.Run("with the upstream "+name, func(t *testing.T) {
			p := proxyTo(t, a.host(), upstream, "transport http {\ntls_trust_pool file "+ca+"\n}")
			a.refused.Store(&p.token)
			res, body := p.do(p.request("POST", "/x", strings.NewReader("again")))
			if res.StatusCode != 200 || body != "again" {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			all := a.requests()
			if last := all[len(all)-1]; last.ProtoMajor != 2 || last.TLS == nil {
				t.Errorf("the request came by %s", last.Proto)
			}
		})
	}
	t.Run("and nobody else's certificate will do", func(t *testing.T) {
		p := proxyTo(t, a.host(), "", by)
		before := len(a.requests())
		p.wantGet("/x", 502)
		if len(a.requests()) != before {
			t.Error("the request was sent")
		}
	})
}

func TestProxyKeepsWhatHTTPCanDo(t *testing.T) { byEither(t, testProxyKeepsWhatHTTPCanDo) }

func testProxyKeepsWhatHTTPCanDo(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			echoBody(w, r)
			return
		case "/hints":
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
		}
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
	})
	p := proxyTo(t, a.host(), "", by+"\ntransport http {\nexpect_continue_timeout 1m\n}")
	t.Run("ranges", func(t *testing.T) {
		r := p.request("GET", "/x", nil)
		r.Header.Set("Range", "bytes=2-4")
		if res, body := p.do(r); res.StatusCode != http.StatusPartialContent || body != "234" {
			t.Errorf("status %d: %q", res.StatusCode, body)
		}
	})
	t.Run("early hints", func(t *testing.T) {
		var hint string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hint = fmt.Sprint(code, h.Get("Link"))
			return nil
		}}
		r := p.request("GET", "/hints", nil)
		p.do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
		if hint != "103</style.css>; rel=preload" {
			t.Errorf("hint is %q", hint)
		}
	})
	t.Run("expectations", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // the end of the test
		fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", strings.TrimPrefix(p.url, "http://"))
		br := bufio.NewReader(conn)
		res, err := http.ReadResponse(br, nil)
		if err != nil || res.StatusCode != http.StatusContinue {
			t.Fatalf("%v, %v", res, err)
		}
		fmt.Fprint(conn, "abc")
		for err == nil && res.StatusCode == http.StatusContinue { // the API's and Caddy's own
			res, err = http.ReadResponse(br, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != "abc" {
			t.Errorf("%q, %v", body, err)
		}
	})
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
