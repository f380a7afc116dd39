package access_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth" // basic_auth
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/templates"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// httpInclude asks the server's own handler, as a peer at 127.0.0.1, whoever
// reads the template.
func TestATemplateDoesNotMakeItsReaderLocal(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes+`
		route /page {
			templates {
				mime text/plain
			}
			respond <<END
				included: {{httpInclude "/token"}}
				END
		}
		route /control {
			templates {
				mime text/plain
			}
			respond <<END
				included: {{httpInclude "/nothing"}}
				END
		}`)
	s.Connect("auth")
	token := s.Get("/token")
	if token.StatusCode != http.StatusOK || token.Text == "" {
		t.Fatalf("status %d, body %q", token.StatusCode, token.Text)
	}
	if a := s.Get("/control"); !strings.Contains(a.Text, "included: next") {
		t.Fatalf("templates do not work here: status %d, body %q", a.StatusCode, a.Text)
	}
	if a := s.Get("/page"); a.StatusCode < 500 || strings.Contains(a.Text, token.Text) {
		t.Errorf("status %d, body %q", a.StatusCode, a.Text)
	}
}

func TestAProcessIsLocalOverEachKindOfConnection(t *testing.T) {
	s := testcaddy.New(t)
	port, socket := testcaddy.FreePort(t), filepath.Join(t.TempDir(), "s")
	raw := s.Adapt("provider demo {\n client_id c\n client_secret s\n authorize_url https://as.example/a\n token_url https://as.example/t\n host api https://api.example\n}",
		fmt.Sprintf("http://localhost:%d {\n bind 127.0.0.1 unix/%s\n token_endpoint demo/auth\n}", port, socket))
	raw = bytes.Replace(raw, []byte(`"listen":`), []byte(`"protocols":["h1","h2c"],"listen":`), 1)
	if err := caddy.Load(raw, true); err != nil {
		t.Fatal(err)
	}
	var http1, http2 http.Protocols
	http1.SetHTTP1(true)
	http2.SetUnencryptedHTTP2(true)
	for name, tc := range map[string]struct {
		protocols       *http.Protocols
		network, listen string
		major           int
	}{
		"HTTP/1.1":         {&http1, "tcp", fmt.Sprintf("127.0.0.1:%d", port), 1},
		"HTTP/2":           {&http2, "tcp", fmt.Sprintf("127.0.0.1:%d", port), 2},
		"a unix socket":    {&http1, "unix", socket, 1},
		"HTTP/2 over unix": {&http2, "unix", socket, 2},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{Protocols: tc.protocols, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, tc.network, tc.listen)
			}}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			res, err := client.Get(fmt.Sprintf("http://localhost:%d/", port))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			// Let in, and told that nobody has connected the account yet.
			if res.StatusCode != http.StatusConflict || res.ProtoMajor != tc.major {
				t.Errorf("status %d over %s", res.StatusCode, res.Proto)
			}
		})
	}
}

// Each user has a connection of their own, and does not learn which the others have.
func TestUsersReachTheirOwnConnections(t *testing.T) {
	const hash = "$2a$04$nQ6d4Kpuz.XUPNtlhHwFAeRgzynckkpCsdOuBmGUSZcdCKMoCWPeG" // bcrypt of "password", at its lowest cost
	s := testcaddy.NewSite(t, fmt.Sprintf(`
		basic_auth {
			alice %[1]s
			bob %[1]s
			carol %[1]s
		}
		token_endpoint /token demo/{token_store.caller} {
			allow user alice bob
		}
		token_endpoint /same demo/{http.auth.user.id} {
			allow user alice bob
		}
	`, hash))
	s.Connect("alice")
	s.Connect("carol")
	client := s.NewClient()
	get := func(user, path string) testcaddy.Reply {
		return s.Do(client, "GET", s.URL(path), "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(user+":password")))
	}
	alice := get("alice", "/token")
	if alice.StatusCode != http.StatusOK || alice.Text == "" {
		t.Fatalf("status %d, body %q", alice.StatusCode, alice.Text)
	}
	if same := get("alice", "/same"); same.Text != alice.Text {
		t.Errorf("the two placeholders lead to different connections")
	}
	get("bob", "/token").WantProblem(t, http.StatusNotFound, "unknown_connection")
	get("carol", "/token").WantProblem(t, http.StatusForbidden, "caller_not_allowed")
}
