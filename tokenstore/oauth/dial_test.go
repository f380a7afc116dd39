package oauth_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial/dialtest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestEndpointsAreConnectedToAtPublicAddressesOnly(t *testing.T) {
	var connections atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(granting))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.StartTLS()
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	base := "https://as.example.com:" + port

	calls := map[string]call{
		"exchange": exchange, "refresh": refresh, "client credentials": clientCredentials,
		"refresh elsewhere": func(t *testing.T, c *oauth.Client, e *oauth.Endpoint) (*oauth.Answer, error) {
			e.RefreshURL, e.TokenURL = e.TokenURL, "https://127.0.0.1:"+port // what is declared is not for others
			return refresh(t, c, e)
		},
		"revoke": func(t *testing.T, c *oauth.Client, e *oauth.Endpoint) (*oauth.Answer, error) {
			return nil, c.Revoke(t.Context(), e, oauth.Revocation{AccessToken: secret.New("A")})
		},
	}
	for name, call := range calls {
		for _, tt := range []struct {
			why     string
			answer  dialtest.Answer
			private bool
			want    string
		}{
			{"a name of this machine", dialtest.Always("127.0.0.1"), false, "config refused_address"},
			{"a name of a cloud's secrets", dialtest.Always("169.254.169.254", "fd00:ec2::254"), true, "config refused_address"},
			{"a name of many things", dialtest.Always("10.0.0.1", "192.168.1.1", "127.0.0.1", "::1"), false, "config refused_address"},
			// The server's certificate is one that nobody trusts: this far it came.
			{"a name that is declared private", dialtest.Always("127.0.0.1"), true, "transient tls"},
			{"a name that is no longer private", dialtest.Rebind("127.0.0.1", "169.254.169.254"), true, "transient tls"},
			{"no name", dialtest.Always(), false, "transient network|transient dns"},
		} {
			t.Run(name+", "+tt.why, func(t *testing.T) {
				dialtest.Start(t, tt.answer).UseAsDefault(t)
				connections.Store(0)
				e := endpoint(base)
				e.Private = tt.private
				a, err := call(t, newClient(), e)
				if got := outcome(a, err); !strings.Contains("|"+tt.want+"|", "|"+got+"|") {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				failure, _ := errors.AsType[*oauth.Error](err)
				if refused := strings.Contains(tt.want, "refused"); refused != (failure.Refused != nil) {
					t.Errorf("refused: %v", failure.Refused)
				} else if refused && (connections.Load() != 0 || !strings.Contains(err.Error(), "as.example.com:") || strings.Contains(err.Error(), "/token")) {
					t.Errorf("%d connections; the error is %v", connections.Load(), err)
				}
			})
		}
	}
}
