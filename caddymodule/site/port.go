package site

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
)

// NamesPort reports whether the port in the Host of r, or the scheme's own if there is none in it, is
// the one that r arrived at. The Host is the client's to choose: an address made from it leads
// back here only if the port is ours. At a unix socket there is no port, and the answer is no.
func NamesPort(r *http.Request) bool {
	local, arrived := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !arrived {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	port := (&url.URL{Host: r.Host}).Port()
	switch {
	case port != "":
	case r.TLS != nil:
		port = "443"
	default:
		port = "80"
	}
	return port == strconv.Itoa(int(at.Port()))
}
