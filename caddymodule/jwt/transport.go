package jwt

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

// transport asks an issuer. Only the direct one looks at addresses: a proxy is mostly in a private network itself, and
// does the connecting.
type transport struct {
	direct, proxied *http.Transport
}

func newTransport(policy dial.Policy) *transport {
	dialer := &net.Dialer{Timeout: fetchTimeout}
	t := &transport{direct: oneByOne(), proxied: oneByOne()}
	t.direct.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return policy.DialContext(ctx, dialer, network, address)
	}
	t.proxied.DialContext = dialer.DialContext
	t.proxied.Proxy = http.ProxyFromEnvironment // nothing is sent that is secret
	return t
}

// oneByOne opens a connection for each request: there are two in a quarter of an hour, and a reload of the
// configuration leaves no idle one behind.
func oneByOne() *http.Transport {
	return &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(r); err != nil || proxy != nil {
		return t.proxied.RoundTrip(r) // which tells the error
	}
	return t.direct.RoundTrip(r)
}
