// Package site knows by which names a site is reached, and what a request says about that.
package site

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Site knows which hosts the server of a route answers for. A request with any
// other Host comes from a browser that was lied to by DNS, and a server that
// listens on a port answers it all the same.
//
// The zero Site is known by the names of the loopback interface only. A Site is safe for
// concurrent use.
type Site struct {
	// Hosts match the names that the routes of the server are for.
	Hosts []*caddyhttp.MatchHost
	// Exposed: others than this machine can reach the server, under a name
	// that is not this machine's own.
	Exposed bool
}

// Of returns the site of a handler that is being provisioned with ctx. It reads the host matchers of all
// routes of the handler's server, which are provisioned before any handler is.
func Of(ctx caddy.Context) Site {
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return Site{}
	}
	var s Site
	for _, route := range server.Routes {
		for _, set := range route.MatcherSets {
			for _, matcher := range set {
				if hosts, ok := matcher.(*caddyhttp.MatchHost); ok {
					s.Hosts = append(s.Hosts, hosts)
				}
			}
		}
	}
	s.Exposed = s.hasPublicName() && listensBeyondLoopback(server.Listen)
	return s
}

// hasPublicName reports whether a host is more than a name of the loopback interface.
func (s Site) hasPublicName() bool {
	for _, hosts := range s.Hosts {
		for _, host := range *hosts {
			if !IsLoopbackName(host) {
				return true
			}
		}
	}
	return false
}

func listensBeyondLoopback(listen []string) bool {
	for _, l := range listen {
		addr, err := caddy.ParseNetworkAddress(l)
		if err == nil && !addr.IsUnixNetwork() && !IsLoopbackName(addr.Host) {
			return true
		}
	}
	return false
}

// Names reports whether the Host of r is this site's, or one of the loopback interface, and
// then which of the two.
func (s Site) Names(r *http.Request) (loopback, ok bool) {
	host, ok := Hostname(r.Host)
	if !ok || r.URL.User != nil { // which a name looks like that stands before an @ (RFC 9110 section 4.2.4)
		return false, false
	}
	if IsLoopbackName(host) {
		return true, true
	}
	for _, hosts := range s.Hosts {
		if match, err := hosts.MatchWithError(r); err == nil && match {
			return false, true
		}
	}
	return false, false
}

// IsLoopbackName reports whether host is one of the three ways to name the
// loopback interface that nobody else's DNS decides on. There are more ways to
// write the address, and nobody who means it well needs them.
func IsLoopbackName(host string) bool {
	switch host {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// inNoHost are the bytes that no host has: controls, blanks, what is beyond ASCII, and what begins another part of a URL.
var inNoHost = func() (bytes [256]bool) {
	for c := range bytes {
		bytes[c] = c <= ' ' || c >= 0x7f
	}
	for _, c := range []byte(`@/\?#%`) {
		bytes[c] = true
	}
	return bytes
}()

// Hostname takes the port off a Host header and the brackets off an IPv6
// address. ok is false if that is no plain host: it is strict, since two readings of one Host are one too many.
func Hostname(hostport string) (host string, ok bool) {
	for i := range len(hostport) {
		if inNoHost[hostport[i]] {
			return "", false
		}
	}
	host, port, hasPort := strings.Cut(hostport, ":")
	if rest, bracketed := strings.CutPrefix(hostport, "["); bracketed {
		var tail string
		host, tail, ok = strings.Cut(rest, "]")
		if addr, err := netip.ParseAddr(host); !ok || err != nil || !addr.Is6() {
			return "", false
		}
		if port, hasPort = strings.CutPrefix(tail, ":"); !hasPort && tail != "" {
			return "", false
		}
	}
	if host == "" || hasPort && !isPort(port) || strings.IndexByte(host, '[') >= 0 || strings.IndexByte(host, ']') >= 0 {
		return "", false
	}
	return host, true
}

func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 5
}

// OriginOf returns the origin that pages of this site have when they are
// fetched like r: scheme://host, and the port if it is not the scheme's own.
func OriginOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + strings.TrimSuffix(strings.ToLower(r.Host), ":443")
	}
	return "http://" + strings.TrimSuffix(strings.ToLower(r.Host), ":80")
}

// ArrivedURL returns the URL of r as it arrived, before any rewrite.
func ArrivedURL(r *http.Request) *url.URL {
	if arrived, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return arrived.URL
	}
	return r.URL
}
