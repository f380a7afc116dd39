package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// streamSite is a Caddy with a site over TLS that forwards to an API by HTTP/1.1 and to one by HTTP/2.
type streamSite struct {
	*caddyServer
	trusted *x509.CertPool
	// hold is received from between two events.
	hold chan struct{}
	// asked gets what an API has been asked for, before its body is read.
	asked chan *http.Request
}

// streamPaths begin the paths of the routes, which look at bodies or do not.
var streamPaths = map[string]string{"HTTP/1.1": "/h1", "HTTP/2": "/h2"}

func newStreamSite(t *testing.T) *streamSite {
	t.Helper()
	s := &streamSite{caddyServer: newCaddy(t), trusted: x509.NewCertPool(), hold: make(chan struct{}), asked: make(chan *http.Request, 1)}
	oauth := startStandin(t, standin.Options{Clients: []standin.Client{{ID: "demo", Secret: clientSecret}}})
	h1 := httptest.NewServer(http.HandlerFunc(s.api))
	t.Cleanup(h1.Close)
	h2 := httptest.NewUnstartedServer(http.HandlerFunc(s.api))
	h2.EnableHTTP2 = true
	h2.StartTLS()
	t.Cleanup(h2.Close)
	s.trusted.AddCert(h2.Certificate())
	cert, key := s.writeCertificate(h2)
	provider := `
		provider %s {
			grant         client_credentials
			client_id     demo
			client_secret {env.CLIENT_SECRET}
			token_url     %s/oauth2/token
			host api      %s
		}`
	route := `
		handle_path %s/plain/* {
			token_proxy %[2]s/auth {
				%[3]s
			}
		}
		handle_path %[1]s/scrubbed/* {
			token_proxy %[2]s/auth {
				scrub_body
				%[3]s
			}
		}`
	trust := "transport http {\ntls_trust_pool file " + cert + "\nexpect_continue_timeout 1m\n}"
	s.start(fmt.Sprintf("{\npersist_config off\nauto_https off\nadmin unix/%s\ntoken_store {\nstorage bolt %s\n%s\n%s\n}\n}\nhttps://127.0.0.1:%d {\ntls %s %s\n%s\n%s\n}",
		s.socket(), s.database(),
		fmt.Sprintf(provider, "one", oauth.OAuthURL(), h1.URL), fmt.Sprintf(provider, "two", oauth.OAuthURL(), h2.URL),
		s.port, cert, key,
		fmt.Sprintf(route, "/h1", "one", trust), fmt.Sprintf(route, "/h2", "two", trust)))
	return s
}

// writeCertificate gives Caddy the certificate of a test server.
func (s *streamSite) writeCertificate(server *httptest.Server) (cert, key string) {
	s.t.Helper()
	cert, key = filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		s.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw},
		key:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return cert, key
}

// api is what both APIs do.
func (s *streamSite) api(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/proto":
		_, _ = io.WriteString(w, r.Proto)
	case "/up":
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err)
	case "/down":
		n, _ := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
		w.Header().Set("Content-Length", r.URL.Query().Get("n"))
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		_, _ = io.Copy(w, io.LimitReader(letters{}, n))
	case "/range":
		http.ServeContent(w, r, "x.bin", time.Time{}, strings.NewReader("0123456789"))
	case "/refuse":
		s.asked <- r
		w.WriteHeader(http.StatusForbidden)
	case "/expect":
		s.asked <- r
		<-s.hold
		_, _ = io.Copy(w, r.Body)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-s.hold
		}
	}
}

// letters is a text without end.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	const line = "the quick brown fox jumps over the lazy dog, and so does the slow one.\n"
	n := copy(p, line)
	for n < len(p) {
		n += copy(p[n:], p[:n])
	}
	return n, nil
}

// streamClients are clients of each version of HTTP.
func (s *streamSite) clients() map[string]http.RoundTripper {
	config := func(protocols ...string) *tls.Config { return &tls.Config{RootCAs: s.trusted, NextProtos: protocols} }
	h1 := &http.Transport{TLSClientConfig: config("http/1.1"), ExpectContinueTimeout: time.Minute}
	h2 := &http.Transport{TLSClientConfig: config(), ForceAttemptHTTP2: true, ExpectContinueTimeout: time.Minute}
	h3 := &http3.Transport{TLSClientConfig: config()}
	s.t.Cleanup(func() {
		h1.CloseIdleConnections()
		h2.CloseIdleConnections()
		_ = h3.Close()
	})
	return map[string]http.RoundTripper{"HTTP/1.1": h1, "HTTP/2.0": h2, "HTTP/3.0": h3}
}

func (s *streamSite) request(method, path string, body io.Reader) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, fmt.Sprintf("https://127.0.0.1:%d%s", s.port, path), body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// eachWay runs a test by each version of HTTP on both sides.
func (s *streamSite) eachWay(t *testing.T, test func(t *testing.T, client http.RoundTripper, prefix string)) {
	for ours, client := range s.clients() {
		for theirs, prefix := range streamPaths {
			t.Run(ours+" to "+theirs, func(t *testing.T) { test(t, client, prefix) })
		}
	}
}

// answerTo sends a request and reads the answer.
func answerTo(t *testing.T, client http.RoundTripper, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestStreams(t *testing.T) {
	s := newStreamSite(t)
	t.Run("speak the version of HTTP that each side knows best", func(t *testing.T) {
		for ours, client := range s.clients() {
			for theirs, prefix := range streamPaths {
				res, body := answerTo(t, client, s.request("GET", prefix+"/plain/proto", nil))
				if res.Proto != ours || !strings.HasPrefix(body, theirs) {
					t.Errorf("%s to %s: %s to %s", ours, theirs, res.Proto, body)
				}
			}
		}
	})
	t.Run("bring events one by one", func(t *testing.T) {
		s.eachWay(t, func(t *testing.T, client http.RoundTripper, prefix string) {
			for _, way := range []string{"/plain", "/scrubbed"} {
				res, err := client.RoundTrip(s.request("GET", prefix+way+"/events", nil))
				if err != nil {
					t.Fatal(err)
				}
				br := bufio.NewReader(res.Body)
				for i := range 3 {
					want := fmt.Sprintf("data: %d\n", i)
					if line, err := br.ReadString('\n'); line != want {
						t.Fatalf("%s: %q, %v", way, line, err)
					}
					_, _ = br.ReadString('\n')
					s.hold <- struct{}{} // only now is there another one
				}
				_ = res.Body.Close()
			}
		})
	})
	t.Run("bring parts, but not where bodies are searched", func(t *testing.T) {
		s.eachWay(t, func(t *testing.T, client http.RoundTripper, prefix string) {
			for way, want := range map[string]string{"/plain": "206 234", "/scrubbed": "200 0123456789"} {
				r := s.request("GET", prefix+way+"/range", nil)
				r.Header.Set("Range", "bytes=2-4")
				res, body := answerTo(t, client, r)
				if got := fmt.Sprint(res.StatusCode, " ", body); got != want {
					t.Errorf("%s: %s", way, got)
				}
			}
		})
	})
	t.Run("send a body when the API asks for it", func(t *testing.T) { s.eachWay(t, s.testExpect) })
	t.Run("send no body that the API refuses", func(t *testing.T) { s.eachWay(t, s.testRefusal) })
}

// expecting returns a request whose client waits to be asked for the body, and whether it was sent.
func (s *streamSite) expecting(path string) (r *http.Request, sent *atomic.Bool) {
	sent = new(atomic.Bool)
	r = s.request("POST", path, &told{Reader: strings.NewReader("body"), read: sent})
	r.ContentLength = 4
	r.Header.Set("Expect", "100-continue")
	return r, sent
}

// testExpect has the API ask for the body when it likes.
func (s *streamSite) testExpect(t *testing.T, client http.RoundTripper, prefix string) {
	r, sent := s.expecting(prefix + "/plain/expect")
	answers := make(chan string, 1)
	go func() {
		res, err := client.RoundTrip(r)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer res.Body.Close()
		all, _ := io.ReadAll(res.Body)
		answers <- string(all)
	}()
	<-s.asked // the API has the request, and has not asked for the body
	if sent.Load() && isHTTP1(client) {
		t.Error("the client sent its body before the API asked for it")
	}
	s.hold <- struct{}{}
	if got := <-answers; got != "body" || !sent.Load() {
		t.Errorf("%q", got)
	}
}

// isHTTP1 reports whether a client speaks HTTP/1.1. Go's servers of the later versions do not tell handlers that a client waits.
func isHTTP1(client http.RoundTripper) bool {
	h, ok := client.(*http.Transport)
	return ok && !h.ForceAttemptHTTP2
}

// testRefusal has the API answer without the body.
func (s *streamSite) testRefusal(t *testing.T, client http.RoundTripper, prefix string) {
	r, sent := s.expecting(prefix + "/plain/refuse")
	res, _ := answerTo(t, client, r)
	<-s.asked
	if res.StatusCode != http.StatusForbidden || sent.Load() && isHTTP1(client) {
		t.Errorf("status %d, and the body was sent: %t", res.StatusCode, sent.Load())
	}
}

// told is a body that tells that it was read.
type told struct {
	io.Reader
	read *atomic.Bool
}

func (b *told) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.Reader.Read(p)
}

// resident returns how much memory the process has, in bytes.
func (c *caddyServer) resident() int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		c.t.Error(err)
		return 0
	}
	for line := range bytes.Lines(raw) {
		if value, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(value)[0]), 10, 64)
			if err != nil {
				c.t.Error(err)
			}
			return kib << 10
		}
	}
	return 0
}

// watchResident returns the most memory that the process has until stop is called.
func (c *caddyServer) watchResident() (stop func() int64) {
	ctx, cancel := context.WithCancel(c.t.Context())
	peak := make(chan int64)
	go func() {
		most := c.resident()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, c.resident())
			case <-ctx.Done():
				peak <- most
				return
			}
		}
	}()
	return func() int64 { cancel(); return <-peak }
}

// streamLength is how long the bodies are that must not take memory: 1 GiB, or what E2E_STREAM_GIB says.
func streamLength(t *testing.T) int64 {
	t.Helper()
	given := os.Getenv("E2E_STREAM_GIB")
	if given == "" {
		return 1 << 30
	}
	gib, err := strconv.ParseInt(given, 10, 64)
	if err != nil {
		t.Fatal("E2E_STREAM_GIB:", err)
	}
	return gib << 30
}

func TestLongStreamsTakeNoMemory(t *testing.T) {
	needsProc(t)
	const mayGrow = 10 << 20
	length := streamLength(t)
	s := newStreamSite(t)
	clients := s.clients()
	for _, tc := range []struct {
		client, prefix string
		length         int64
	}{
		{"HTTP/1.1", "/h1", length},
		{"HTTP/2.0", "/h2", length / 4},
		{"HTTP/3.0", "/h1", length / 4},
	} {
		t.Run(tc.client+" to "+tc.prefix, func(t *testing.T) {
			client := clients[tc.client]
			for _, way := range []string{"/plain/up", "/plain/down?type=text/plain", "/scrubbed/down?type=text/plain"} {
				s.stream(t, client, tc.prefix+way, 64<<20) // buffers are made, and connections
				before := s.resident()
				stop := s.watchResident()
				started := time.Now()
				s.stream(t, client, tc.prefix+way, tc.length)
				took := time.Since(started)
				grown := stop() - before
				t.Logf("%s: %d MiB in %s, and %d KiB more of memory than %d KiB", way, tc.length>>20, took.Round(time.Millisecond), grown>>10, before>>10)
				if grown > mayGrow {
					t.Errorf("%s: memory grew by %d MiB", way, grown>>20)
				}
			}
		})
	}
}

// stream sends a body up, or has one sent down, by the path.
func (s *streamSite) stream(t *testing.T, client http.RoundTripper, path string, length int64) {
	t.Helper()
	if strings.HasSuffix(path, "/up") {
		r := s.request("POST", path, io.LimitReader(letters{}, length))
		r.ContentLength = length
		if res, body := answerTo(t, client, r); res.StatusCode != http.StatusOK || body != fmt.Sprint(length, nil) {
			t.Errorf("status %d: %s", res.StatusCode, body)
		}
		return
	}
	res, err := client.RoundTrip(s.request("GET", path+"&n="+strconv.FormatInt(length, 10), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); res.StatusCode != http.StatusOK || n != length || err != nil {
		t.Errorf("status %d, %d bytes, %v", res.StatusCode, n, err)
	}
}
