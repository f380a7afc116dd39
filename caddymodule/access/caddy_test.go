package access_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
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
			client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
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
