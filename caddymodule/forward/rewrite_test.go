package forward

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatTheForwarderDoesToARequest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in       http.Header
		early    bool
		major    int
		minor    int
		wantSent http.Header
	}{
		{"nothing but Via", http.Header{"Accept": {"*/*"}}, false, 1, 1, http.Header{"Accept": {"*/*"}, "Via": {"1.1 Caddy"}}},
		{"HTTP/2", http.Header{}, false, 2, 0, http.Header{"Via": {"2.0 Caddy"}}},
		{"HTTP/3, before the handshake was over", http.Header{}, true, 3, 0, http.Header{"Via": {"3.0 Caddy"}, "Early-Data": {"1"}}},
		{"an upgrade to whatever", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"foo"}}, false, 1, 1, http.Header{"Via": {"1.1 Caddy"}}},
		{
			"a WebSocket, where none is forwarded",
			http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
			false, 1, 1,
			http.Header{"Via": {"1.1 Caddy"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := httptest.NewRequest(http.MethodGet, "/x?a;b=%zz", nil)
			in.Header, in.ProtoMajor, in.ProtoMinor = tt.in, tt.major, tt.minor
			in.TLS = &tls.ConnectionState{HandshakeComplete: !tt.early}
			out := in.Clone(t.Context())
			out.URL.RawQuery = "" // what httputil.ReverseProxy makes of such a query
			rewrite(&httputil.ProxyRequest{In: in, Out: out})
			if diff := cmp.Diff(tt.wantSent, out.Header); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if out.URL.RawQuery != "a;b=%zz" {
				t.Errorf("the query is %q", out.URL.RawQuery)
			}
		})
	}
}
