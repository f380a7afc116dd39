package forward_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newHTTP2 returns an API that speaks HTTP/2 over TLS, and what a route needs to trust it.
func newHTTP2(t *testing.T, serve http.HandlerFunc) (a *api, transport string) {
	t.Helper()
	a = new(api)
	a.Server = httptest.NewUnstartedServer(a.handler(serve))
	a.EnableHTTP2 = true
	a.StartTLS()
	t.Cleanup(a.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(a.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	return a, "transport http {\ntls_trust_pool file " + ca + "\n}"
}

// grpcLike answers as gRPC servers do: with a stream of messages, and what became of it in trailers. The token is in
// one of them if the path is /echo, and in base64, as gRPC has it in binary ones.
func grpcLike(announced bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		prefix := http.TrailerPrefix
		if announced {
			prefix = ""
			w.Header().Set("Trailer", "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Set-Cookie, X-Other")
		}
		w.Header().Set("Content-Type", "application/grpc")
		for _, message := range []string{"\x00\x00\x00\x00\x01a", "\x00\x00\x00\x00\x01b"} {
			_, _ = io.WriteString(w, message)
			_ = http.NewResponseController(w).Flush()
		}
		details := "fine"
		if r.URL.Path == "/echo" {
			details = "of " + r.Header.Get("Authorization")
		}
		for name, value := range map[string]string{
			"Grpc-Status": "0", "Grpc-Message": "all is well", "Grpc-Status-Details-Bin": base64.RawStdEncoding.EncodeToString([]byte(details)),
			"Set-Cookie": "a=1", "X-Other": "x",
		} {
			w.Header().Set(prefix+name, value)
		}
	}
}

func TestTrailersArePassedOnWhereTheyAreAllowed(t *testing.T) {
	const pass = "\npass_trailer grpc-status grpc-message\npass_trailer Grpc-Status-Details-Bin"
	for _, announced := range []bool{true, false} {
		h2, transport := newHTTP2(t, grpcLike(announced))
		for proto, start := range map[string]func() *proxyTest{
			"HTTP/1.1": func() *proxyTest { return proxyTo(t, newAPI(t, grpcLike(announced)).host(), "", pass) },
			"HTTP/2":   func() *proxyTest { return proxyTo(t, h2.host(), "", transport+pass) },
		} {
			p := start()
			for path, want := range map[string]string{
				"/":     "map[Grpc-Message:[all is well] Grpc-Status:[0] Grpc-Status-Details-Bin:[ZmluZQ]]",
				"/echo": "map[Grpc-Message:[all is well] Grpc-Status:[0]]",
			} {
				t.Run(fmt.Sprintf("%s of %s, announced: %t", path, proto, announced), func(t *testing.T) {
					r := p.request("POST", path, strings.NewReader("\x00\x00\x00\x00\x00"))
					r.Header.Set("Content-Type", "application/grpc")
					r.Header.Set("Te", "trailers")
					res, body := p.do(r)
					for name, values := range res.Trailer { // announced, and left out
						if len(values) == 0 {
							delete(res.Trailer, name)
						}
					}
					if got := fmt.Sprint(res.Trailer); body != "\x00\x00\x00\x00\x01a\x00\x00\x00\x00\x01b" || got != want {
						t.Errorf("body %q, trailers %s", body, got)
					}
				})
			}
			if n := p.metric(`echoes_removed_total{place="trailer",provider="demo"}`); n != 1 {
				t.Errorf("%v echoes are counted", n)
			}
		}
	}
}

func TestTrailersOfRequestsAreDropped(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, r.Trailer)
	})
	p := proxyTo(t, a.host(), "", "pass_trailer grpc-status")
	r := p.request("POST", "/", io.MultiReader(strings.NewReader("x")))
	r.Trailer = http.Header{"Grpc-Status": {"0"}, "Authorization": {"Bearer mine"}}
	if _, body := p.do(r); body != "map[]" {
		t.Errorf("the API got %s", body)
	}
}
