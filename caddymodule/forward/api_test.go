package forward_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// api is an API that refuses one token, and hands its requests to a handler otherwise.
type api struct {
	*httptest.Server
	refused atomic.Pointer[string]

	mu   sync.Mutex
	seen []*http.Request // guarded by mu
}

func newAPI(t *testing.T, serve http.HandlerFunc) *api {
	a := new(api)
	a.Server = httptest.NewServer(a.handler(serve))
	t.Cleanup(a.Close)
	return a
}

func (a *api) handler(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.seen = append(a.seen, r)
		a.mu.Unlock()
		if refused := a.refused.Load(); refused != nil && r.Header.Get("Authorization") == "Bearer "+*refused {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "expired_access_token", http.StatusUnauthorized)
			return
		}
		serve(w, r)
	})
}

func (a *api) requests() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*http.Request(nil), a.seen...)
}

// host is the provider's setting for a.
func (a *api) host() string { return "host api " + a.URL }

func (a *api) address() string { return a.Listener.Addr().String() }

// nobody returns an address that nobody listens at while the test runs. That of a server which was closed may be another's soon.
func nobody(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", testcaddy.FreePort(t)) }

func echoBody(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
