package forward_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// BenchmarkForward compares token_proxy with a reverse_proxy that sets a fixed header, in
// the same Caddy. Client and API run in this process too, so that what matters is
// the difference in allocations; `go run ./bench` in e2e measures everything else.
func BenchmarkForward(b *testing.B) {
	tokenProxy, plain := startBenchmark(b)
	for _, bench := range []struct{ name, url string }{{"token_proxy", tokenProxy}, {"header_up", plain}} {
		b.Run(bench.name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
			defer client.CloseIdleConnections()
			benchGet(b, client, bench.url) // the first one fetches the token
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					benchGet(b, client, bench.url)
				}
			})
		})
	}
}

func benchGet(b *testing.B, client *http.Client, url string) {
	res, err := client.Get(url)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Errorf("status %d", res.StatusCode)
	}
}

func startBenchmark(b *testing.B) (tokenProxy, plain string) {
	dir := b.TempDir()
	b.Setenv("XDG_DATA_HOME", dir)
	b.Setenv("XDG_CONFIG_HOME", dir)
	body := `{"x":"` + strings.Repeat("x", 1015) + `"}`
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = io.WriteString(w, body)
	}))
	b.Cleanup(api.Close)
	oauth := standin.New(standin.Options{Clients: []standin.Client{{ID: "id", Secret: "client-secret"}}})
	if err := oauth.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = oauth.Close() })
	tokenProxy, plain = fmt.Sprintf("http://127.0.0.1:%d", testcaddy.FreePort(b)), fmt.Sprintf("http://127.0.0.1:%d", testcaddy.FreePort(b))
	raw, err := testcaddy.Adapt(fmt.Sprintf(`{
		admin off
		persist_config off
		log default {
			level ERROR
		}
		token_store {
			provider demo generic {
				grant client_credentials
				client_id id
				client_secret client-secret
				token_url %s/oauth2/token
				host api %s
			}
		}
	}
	%s {
		token_proxy demo/one
	}
	%s {
		reverse_proxy %s {
			header_up Authorization "Bearer %s"
			transport http {
				keepalive_idle_conns_per_host 1024
			}
		}
	}`, oauth.OAuthURL(), api.URL, tokenProxy, plain, api.Listener.Addr(), strings.Repeat("x", 64)))
	if err != nil {
		b.Fatal(err)
	}
	if err := caddy.Load(raw, true); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = caddy.Stop() })
	return tokenProxy, plain
}
