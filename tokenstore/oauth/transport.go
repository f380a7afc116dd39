package oauth

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

// dialsKey is that of the policy in a request's context: the transport is for all endpoints.
type dialsKey struct{}

// dials returns whereto a conversation with e may connect.
func (e *Endpoint) dials() dial.Policy {
	return dial.NewPolicy(e.Private, e.TokenURL, e.RefreshURL, e.RevokeURL)
}

// newTransport returns the transport of a client that was given none.
//
// Every request gets a connection of its own. Token requests are rare, so this
// costs nothing that matters; in return, no request is ever written to a
// connection that the server has just closed as idle, which could neither be
// told from a lost answer nor, with a rotating refresh token, be tried again.
// For the same reason it is HTTP/1.1 only: HTTP/2 shares connections, and sends
// again by itself what a GOAWAY cut off.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		// A proxy from the environment would be handed the secrets of a plain
		// http URL, and nobody who sets HTTP_PROXY for a shell means that.
		Proxy: nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			policy, _ := ctx.Value(dialsKey{}).(dial.Policy) // without one, public addresses only
			return policy.DialContext(ctx, dialer, network, address)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              &protocols,
	}
}
