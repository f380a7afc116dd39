package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

func init() {
	caddy.RegisterModule(panicker{})
	httpcaddyfile.RegisterHandlerDirective("token_store_panic", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return panicker{}, nil
	})
}

// panicker is a handler of somebody else's that panics with all that it can see.
type panicker struct{}

func (panicker) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_store_panic", New: func() caddy.Module { return new(panicker) }}
}

func (panicker) ServeHTTP(_ http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	panic(fmt.Sprintf("planted panic: %+v %#v %v %v", r.Header, r.URL, r.Context(), caddyhttp.GetVar(r.Context(), "token_store.caller_key")))
}

// A panic behind a guard has neither the token nor what the client has sent to prove itself; testcaddy looks for the token.
func TestAPanicTellsNoSecret(t *testing.T) {
	const own, key = "planted-own-5e0d17", "planted-key-90ab41"
	s := testcaddy.NewSite(t, "token_endpoint /token demo/auth\nroute /panics {\n token_guard demo/auth {\n  allow anyone\n  allow origin http://localhost:5173\n }\n token_store_panic\n}\n")
	s.Connect("auth")
	token := s.Get("/token").Text
	if len(token) < 20 {
		t.Fatalf("the token is %q", token)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL("/panics?a=1&subscription-key="+key), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Ocp-Apim-Subscription-Key"} {
		r.Header.Set(name, own)
	}
	r.Header.Set("Origin", "http://localhost:5173")
	if res, err := s.NewClient().Do(r); !errors.Is(err, io.EOF) {
		if err == nil {
			_ = res.Body.Close()
		}
		t.Errorf("the connection is not cut: %v", err)
	}
	if again := s.Get("/token"); again.Text != token {
		t.Errorf("status %d after the panic", again.StatusCode)
	}
	if log := s.Log(); !strings.Contains(log, "planted panic") || strings.Contains(log, own) || strings.Contains(log, key) {
		t.Errorf("the log is\n%s", log)
	}
}
