package oauth_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// listen runs a server of bare connections, one after the other.
func listen(t *testing.T, serve func(n int, conn net.Conn)) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(n, conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// takeRequest reads one request to its end.
func takeRequest(conn *bufio.Reader) error {
	req, err := http.ReadRequest(conn)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err
}

const (
	grant = `{"access_token":"A","refresh_token":"R","expires_in":3600}`
	head  = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
)

func TestNoOtherHostSeesARedirectedRequest(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the other host was asked")
	}))
	defer other.Close()
	calls := map[string]call{
		"exchange": exchange, "refresh": refresh, "client credentials": clientCredentials,
		"revoke": func(t *testing.T, c *oauth.Client, e *oauth.Endpoint) (*oauth.Answer, error) {
			return nil, c.Revoke(t.Context(), e, oauth.Revocation{AccessToken: secret.New("A")})
		},
	}
	for name, call := range calls {
		for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
			srv := record(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL, status)
			})
			a, err := call(t, newClient(), endpoint(srv.URL))
			if got := outcome(a, err); got != "transient redirect in doubt" {
				t.Errorf("%s, %d: %s", name, status, got)
			}
			srv.only(t)
		}
	}
}

// Servers and networks that fail before a request is written, which leaves no
// doubt, and after it.
func TestFailuresOfTheNetwork(t *testing.T) {
	closed := listen(t, func(int, net.Conn) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()

	trusted := httptest.NewUnstartedServer(http.HandlerFunc(granting))
	trusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	trusted.StartTLS()
	defer trusted.Close()
	old := httptest.NewUnstartedServer(http.HandlerFunc(granting))
	old.Config.ErrorLog = trusted.Config.ErrorLog
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()

	for _, tc := range []struct{ name, base, want string }{
		{"nobody listens", nobody, "transient refused"},
		// What the kernel reports depends on how far the write has come.
		{"closed before the answer", closed, "unknown cut in doubt|unknown network in doubt"},
		{"an unknown authority", trusted.URL, "transient tls"},
		{"TLS 1.1", old.URL, "transient tls"},
		{"closed in the handshake", strings.Replace(closed, "http:", "https:", 1), "transient tls"},
		{"no TLS where it should be", strings.Replace(record(t, granting).URL, "http:", "https:", 1), "transient tls"},
		{"no HTTP", listen(t, func(_ int, conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "SSH-2.0-canary\r\n")
		}), "unknown network in doubt"},
		{"endless headers", listen(t, func(_ int, conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			_, err := io.WriteString(conn, head)
			for err == nil {
				_, err = io.WriteString(conn, "X-Canary: "+strings.Repeat("x", 1000)+"\r\n")
			}
		}), "unknown network in doubt"},
		{"an endless body", listen(t, func(_ int, conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			_, err := io.WriteString(conn, head+"\r\n"+grant)
			for err == nil {
				_, err = io.WriteString(conn, strings.Repeat(" ", 4096))
			}
		}), "transient too_large in doubt delivered access=A refresh=R in=1h0m0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := newClient().Refresh(t.Context(), endpoint(tc.base), secret.New("SENT"))
			got := outcome(a, err)
			if !slices.Contains(strings.Split(tc.want, "|"), got) {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
			if strings.Contains(err.Error(), "anary") {
				t.Errorf("the error shows what the server wrote: %v", err)
			}
		})
	}
}

func TestAHostThatHasNoAddressLeavesNoDoubt(t *testing.T) {
	c := oauth.NewClient(oauth.Options{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "as.example", IsNotFound: true}
		},
	}})
	_, err := c.Refresh(t.Context(), endpoint("https://as.example"), secret.New("SENT"))
	if got := outcome(nil, err); got != "transient dns" {
		t.Error(got)
	}
}

func TestACallerWhoHasLeftSendsNothing(t *testing.T) {
	srv := record(t, granting)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient().Refresh(ctx, endpoint(srv.URL), secret.New("SENT"))
	if got := outcome(nil, err); got != "transient canceled" {
		t.Error(got)
	}
	if len(srv.requests) != 0 {
		t.Error("the server was asked")
	}
}

// A server may close a kept connection just as the next request is written to
// it, and net/http is fond of trying again then.
func TestAConnectionThatIsClosedMeanwhileLeadsToNoSecondRequest(t *testing.T) {
	for name, tc := range map[string]struct {
		transport http.RoundTripper
		want      string // of the second refresh
		requests  int64  // in all
	}{
		"the client's own transport":     {nil, "ok access=A refresh=R in=1h0m0s", 2},
		"a transport that keeps its own": {&http.Transport{}, "unknown cut in doubt", 2},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			base := listen(t, func(_ int, conn net.Conn) {
				r := bufio.NewReader(conn)
				if takeRequest(r) != nil {
					return
				}
				requests.Add(1)
				_, _ = fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", head, len(grant), grant)
				if takeRequest(r) == nil { // and no answer to this one
					requests.Add(1)
				}
			})
			c := oauth.NewClient(oauth.Options{Transport: tc.transport, Now: func() time.Time { return noon }})
			if _, err := c.Refresh(t.Context(), endpoint(base), secret.New("SENT")); err != nil {
				t.Fatal(err)
			}
			a, err := c.Refresh(t.Context(), endpoint(base), secret.New("SENT"))
			if got := outcome(a, err); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
			if got := requests.Load(); got != tc.requests {
				t.Errorf("%d requests, want %d", got, tc.requests)
			}
		})
	}
}

// failing is a transport that tells nothing about its progress.
type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("failed to send %s: %w", canaryRefresh, io.ErrClosedPipe)
}

func TestATransportThatTellsNothingLeavesDoubt(t *testing.T) {
	_, err := oauth.NewClient(oauth.Options{Transport: failing{}}).Refresh(t.Context(), endpoint("https://as.example"), secret.New("SENT"))
	if got := outcome(nil, err); got != "unknown network in doubt" {
		t.Error(got)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

// spy keeps the last request and sends nothing.
type spy struct{ last *http.Request }

func (s *spy) RoundTrip(req *http.Request) (*http.Response, error) {
	s.last = req
	return nil, io.ErrUnexpectedEOF
}

func TestATransportIsGivenNothingToSendAgain(t *testing.T) {
	for _, call := range []call{exchange, refresh, clientCredentials} {
		s := &spy{}
		_, _ = call(t, oauth.NewClient(oauth.Options{Transport: s}), endpoint("https://as.example"))
		if s.last == nil || s.last.GetBody != nil {
			t.Error("the body can be had a second time")
		}
	}
}
