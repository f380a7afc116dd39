package caddymodule

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial/dialtest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// turning answers with one of the addresses after the other; with none in place of an empty one.
func turning(addresses ...string) dialtest.Answer {
	return func(_ string, n int) []netip.Addr {
		a, err := netip.ParseAddr(addresses[(n-1)%len(addresses)])
		if err != nil {
			return []netip.Addr{}
		}
		return []netip.Addr{a}
	}
}

// inside is a server of this machine that nobody should reach. It counts who does.
type inside struct {
	*httptest.Server
	port        string
	connections atomic.Int32
}

func newInside(t *testing.T) *inside {
	t.Helper()
	i := new(inside)
	i.Server = httptest.NewUnstartedServer(http.NotFoundHandler())
	i.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			i.connections.Add(1)
		}
	}
	i.StartTLS()
	t.Cleanup(i.Close)
	_, i.port, _ = net.SplitHostPort(i.Listener.Addr().String())
	if six, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "[::1]:"+i.port); err == nil { // else nobody can reach it there
		served := make(chan struct{})
		go func() { defer close(served); _ = i.Config.Serve(six) }()
		t.Cleanup(func() { _ = six.Close(); <-served })
	}
	return i
}

// outbound is a Caddy with a provider and an issuer, all at one host.
type outbound struct {
	*testcaddy.Server
	origin string
	store  *tokenstore.Store
	id     tokenstore.ID
	issuer string
}

// newOutbound returns an error if base cannot be configured.
func newOutbound(t *testing.T, base, private string) (*outbound, error) {
	t.Helper()
	s := &outbound{Server: testcaddy.New(t), origin: fmt.Sprintf("http://localhost:%d", testcaddy.FreePort(t)), id: tokenstore.ID{Provider: "demo", Name: "a"}, issuer: base}
	err := s.Load(
		fmt.Sprintf("provider demo {\n client_id c\n client_secret s\n authorize_url %[1]s/authorize\n token_url %[1]s/token\n revoke_url %[1]s/revoke\n host api %[1]s\n %[2]s\n}", base, private),
		fmt.Sprintf("%s {\n bind 127.0.0.1\n handle_path /api/* {\n  token_proxy demo/a\n }\n token_endpoint /jwt demo/a {\n  allow jwt %s {\n   audience x\n   %s\n  }\n }\n}", s.origin, base, private),
	)
	if err != nil {
		return nil, err
	}
	if s.store, err = s.App().Store(); err != nil {
		t.Fatal(err)
	}
	grant := tokenstore.Import{AccessToken: "canary-at", RefreshToken: "canary-rt", ExpiresAt: time.Now().Add(time.Hour)}
	if err := s.store.Import(t.Context(), s.id, grant); err != nil {
		t.Fatal(err)
	}
	return s, nil
}

func (s *outbound) get(t *testing.T, path string, headers ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// kindsOfConnection are all that this plugin makes. Each returns "" if it was refused because of the address, and else what
// happened.
var kindsOfConnection = map[string]func(*testing.T, *outbound) string{
	"the API": func(t *testing.T, s *outbound) string {
		status, body := s.get(t, "/api/x")
		if status == http.StatusBadGateway && strings.Contains(body, "problems.md#refused_address") {
			return ""
		}
		return fmt.Sprintf("status %d: %s", status, body)
	},
	"the issuer": func(t *testing.T, s *outbound) string {
		part := base64.RawURLEncoding.EncodeToString
		token := part([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + part(fmt.Appendf(nil, `{"iss":%q,"aud":"x","sub":"a","exp":%d}`, s.issuer, time.Now().Add(time.Hour).Unix())) + ".c2ln"
		if status, body := s.get(t, "/jwt", "Authorization: Bearer "+token); status != http.StatusServiceUnavailable {
			return fmt.Sprintf("status %d: %s", status, body)
		}
		if !strings.Contains(s.Log(), "the address of the server is not a public one; if it is meant to be in a private network, write private in the block of allow jwt") {
			return "the log does not tell of the address of the issuer"
		}
		return ""
	},
	"the token endpoint": func(t *testing.T, s *outbound) string {
		_, err := s.store.Refresh(t.Context(), s.id)
		if failure, ok := errors.AsType[*oauth.Error](err); ok && failure.Refused != nil {
			return ""
		}
		return fmt.Sprint(err)
	},
	"the revocation endpoint": func(t *testing.T, s *outbound) string {
		if err := s.store.Delete(t.Context(), s.id); err != nil {
			return err.Error()
		}
		for line := range strings.Lines(s.Log()) {
			if strings.Contains(line, "revoking the grant of demo/a") && strings.Contains(line, "is not a public one") {
				return ""
			}
		}
		return "the log does not tell of the address"
	},
}

// inOrder are the kinds such that none of them ends what the next one needs.
var inOrder = []string{"the API", "the issuer", "the token endpoint", "the revocation endpoint"}

// TestAddressesTable lets each kind of connection go to each host that a server of DNS can make up.
func TestAddressesTable(t *testing.T) {
	i := newInside(t)
	rows, refused, otherwise := addressRows(), 0, 0
	for number, row := range rows {
		t.Run(row.why, func(t *testing.T) {
			dialtest.Start(t, row.answer).UseAsDefault(t)
			host, private := cmp.Or(row.host, fmt.Sprintf("row%d.example", number)), ""
			if row.private {
				private = "private"
			}
			s, err := newOutbound(t, "https://"+net.JoinHostPort(host, i.port), private)
			if err != nil && row.odd {
				otherwise += len(inOrder)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			for _, kind := range inOrder {
				switch problem := kindsOfConnection[kind](t, s); {
				case problem == "":
					refused++
				case row.odd:
					otherwise++
				default:
					t.Errorf("%s: %s", kind, problem)
				}
				if n := i.connections.Load(); n != 0 {
					t.Fatalf("%s: %d connections", kind, n)
				}
			}
		})
	}
	t.Logf("%d hosts x %d kinds of connection: %d refused, %d that came to nothing before, %d connections", len(rows), len(inOrder), refused, otherwise, i.connections.Load())
	if len(rows) < 60 || refused < 4*60 {
		t.Error("that is too few")
	}
}

// The server inside is there, and each kind of connection would come to it.
func TestAddressesThatAreDeclaredAreConnectedTo(t *testing.T) {
	i := newInside(t)
	dialtest.Start(t, dialtest.Always("127.0.0.1")).UseAsDefault(t)
	s, err := newOutbound(t, "https://row.example:"+i.port, "private")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range inOrder {
		before := i.connections.Load()
		kindsOfConnection[kind](t, s)
		if i.connections.Load() == before {
			t.Errorf("%s: nobody connected", kind)
		}
	}
}

// A name is looked up anew for each connection, and what it stands for then is what counts.
func TestANameThatIsReboundIsRefused(t *testing.T) {
	i := newInside(t)
	dialtest.Start(t, dialtest.Rebind("127.0.0.1", "169.254.169.254", "fd00:ec2::254")).UseAsDefault(t)
	s, err := newOutbound(t, "https://row.example:"+i.port, "private")
	if err != nil {
		t.Fatal(err)
	}
	if problem := kindsOfConnection["the API"](t, s); problem == "" || i.connections.Load() == 0 {
		t.Fatal("the first connection is refused; the test shows nothing")
	}
	connected := i.connections.Load()
	for _, kind := range inOrder {
		if problem := kindsOfConnection[kind](t, s); problem != "" {
			t.Errorf("%s: %s", kind, problem)
		}
	}
	if n := i.connections.Load(); n != connected {
		t.Errorf("%d more connections", n-connected)
	}
}

// TestRedirectsLeadNowhere has servers that send each kind of connection elsewhere, where it would find one that it may
// connect to.
func TestRedirectsLeadNowhere(t *testing.T) {
	i := newInside(t)
	dialtest.Start(t, dialtest.Always("127.0.0.1")).UseAsDefault(t)
	elsewhere := "https://127.0.0.1:" + i.port
	rows := 0
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, kind := range inOrder {
			var asked atomic.Int32
			first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				http.Redirect(w, r, elsewhere+r.URL.Path, status)
			}))
			s, err := newOutbound(t, first.URL, "private")
			if err != nil {
				t.Fatal(err)
			}
			kindsOfConnection[kind](t, s)
			first.Close()
			if asked.Load() == 0 || i.connections.Load() != 0 {
				t.Errorf("status %d, %s: asked %d times, and then %d connections elsewhere", status, kind, asked.Load(), i.connections.Load())
			}
			rows++
		}
	}
	t.Logf("%d redirects", rows)
}
