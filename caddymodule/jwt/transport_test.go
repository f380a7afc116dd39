package jwt

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial/dialtest"
)

func TestIssuersAreAskedAtPublicAddressesOnly(t *testing.T) {
	s := newTestIssuer(t)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	name := "https://idp.example.com:" + port
	for why, tt := range map[string]struct {
		issuer  string
		private bool
		answer  dialtest.Answer
		want    error // errCertificate: it came so far
	}{
		"a name of this machine":          {name, false, dialtest.Always("127.0.0.1"), errAddress},
		"a name of a cloud's secrets":     {name, true, dialtest.Always("169.254.169.254"), errAddress},
		"a name that is declared private": {name, true, dialtest.Always("127.0.0.1"), errCertificate},
		"an address":                      {s.URL, false, dialtest.Always(), errCertificate},
		"localhost":                       {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), false, dialtest.Always("127.0.0.1"), errCertificate},
		"a name that does not exist":      {name, false, dialtest.Always(), errConnect},
	} {
		t.Run(why, func(t *testing.T) {
			dialtest.Start(t, tt.answer).UseAsDefault(t)
			_, err := newFetcher(tt.issuer, tt.private, nil).keys(t.Context())
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// The key set is on a host of the discovery document's choice.
func TestKeysAreFetchedFromPublicAddressesOnly(t *testing.T) {
	s := newTestIssuer(t)
	dialtest.Start(t, dialtest.Always("127.0.0.1")).UseAsDefault(t)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	s.document = body(`{"issuer":%q,"jwks_uri":"https://keys.example.com:%s/keys"}`, s.URL, port)
	f := newFetcher(s.URL, false, nil)
	f.client.Transport.(answers).next.(*transport).direct.TLSClientConfig.RootCAs = s.pool()
	if _, err := f.keys(t.Context()); !errors.Is(err, errAddress) || strings.Contains(err.Error(), "keys.example.com") {
		t.Errorf("got %v, want %v", err, errAddress)
	}
}
