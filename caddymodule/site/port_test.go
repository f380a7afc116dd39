package site

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestNamesPort(t *testing.T) {
	tcp := func(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
	for _, tc := range []struct {
		name  string
		host  string
		tls   bool
		local net.Addr
		want  bool
	}{
		{"its port", "localhost:8080", false, tcp(8080), true},
		{"its port, over IPv6", "[::1]:8080", false, &net.TCPAddr{IP: net.IPv6loopback, Port: 8080}, true},
		{"its port, over IPv6 with a zone", "[::1]:8080", false, &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 8080}, true},
		{"its port, over QUIC", "localhost:8443", true, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443}, true},
		{"none, at the port of http", "localhost", false, tcp(80), true},
		{"none, at the port of https", "tokens.example", true, tcp(443), true},
		{"none, over IPv6", "[::1]", false, tcp(80), true},
		{"another port", "localhost:9999", false, tcp(8080), false},
		{"its port with a zero before it", "localhost:08080", false, tcp(8080), false},
		{"none, at another port", "localhost", false, tcp(8080), false},
		{"none, with TLS at the port of http", "localhost", true, tcp(80), false},
		{"none, without TLS at the port of https", "localhost", false, tcp(443), false},
		{"a port at a unix socket", "localhost:8080", false, &net.UnixAddr{Name: "/run/x:8080", Net: "unix"}, false},
		{"none at a unix socket", "localhost", false, &net.UnixAddr{Name: "/run/x", Net: "unix"}, false},
		{"a port, and the request did not arrive", "localhost:8080", false, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tc.local))
			r.Host = tc.host
			if tc.tls {
				r.TLS = new(tls.ConnectionState)
			}
			if got := NamesPort(r); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
