package oauth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestTheTransportAsksForTLS12AndForTheRightName(t *testing.T) {
	for _, tc := range []struct {
		name    string
		version uint16
		host    string
		want    string
	}{
		{"TLS 1.3", tls.VersionTLS13, "127.0.0.1", ""},
		{"TLS 1.2", tls.VersionTLS12, "127.0.0.1", ""},
		{"TLS 1.1", tls.VersionTLS11, "127.0.0.1", "tls"},
		{"the wrong name", tls.VersionTLS13, "localhost", "tls"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 1 {
					t.Errorf("the request came over %s", r.Proto)
				}
				_, _ = io.WriteString(w, `{"access_token":"A"}`)
			}))
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.EnableHTTP2 = true
			srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tc.version}
			srv.StartTLS()
			defer srv.Close()

			tr := newTransport()
			tr.TLSClientConfig.RootCAs = x509.NewCertPool()
			tr.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
			port := srv.Listener.Addr().String()[len("127.0.0.1"):]
			e := &Endpoint{TokenURL: "https://" + tc.host + port, ClientID: "id"}
			_, err := NewClient(Options{Transport: tr}).Refresh(t.Context(), e, secret.New("R"))
			var reason string
			if failure, ok := errors.AsType[*Error](err); ok {
				reason = failure.Reason
			}
			if reason != tc.want {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// net/http reads the environment once in a process and never asks a proxy for
// loopback addresses, so a request cannot show this.
func TestTheTransportTakesNoProxyFromTheEnvironment(t *testing.T) {
	if newTransport().Proxy != nil {
		t.Error("there is a proxy function")
	}
}
