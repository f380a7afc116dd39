package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// caller is what a request tells about who sent it, as far as it cannot be
// forged by a web page.
type caller struct {
	// local: the connection comes from this machine, and nothing says that it
	// carries somebody else's request.
	local bool
	// browser: a browser sent the request.
	browser bool
	// origins are the values of the Origin header; a browser sends one at most.
	origins []string
	// site is Sec-Fetch-Site.
	site string
}

// IsLocal reports whether r comes from a process of this machine, and nothing says that
// it carries somebody else's request.
func IsLocal(r *http.Request) bool { return callerOf(r).local }

func callerOf(r *http.Request) caller {
	return caller{
		local:   fromThisMachine(r) && !passedOn(r),
		browser: fromBrowser(r.Header),
		origins: r.Header.Values("Origin"),
		site:    r.Header.Get("Sec-Fetch-Site"),
	}
}

// fromThisMachine looks at the connection only: what a header says about the
// peer, anybody can say.
//
// There has to be a connection. Servers note the address at which a request arrived, for
// every version of HTTP; Caddy's templates make up requests that have a loopback peer,
// the header of whoever reads the page, and no such address.
func fromThisMachine(r *http.Request) bool {
	local, arrived := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !arrived {
		return false
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return peer.Addr().Unmap().IsLoopback()
	}
	// The peer of a unix socket has no address, or the path of its own socket.
	_, unix := local.(*net.UnixAddr)
	return unix
}

// passedOn reports whether something says that r is somebody else's request: a tunnel or
// a web server on this machine makes the whole world look local. One that
// passes bytes on and adds nothing cannot be told from a process of this machine.
func passedOn(r *http.Request) bool {
	// nginx's proxy_pass speaks HTTP/1.0 and adds no header, unless it is told to.
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for name := range r.Header {
		if isForwardingHeader(name) {
			return true
		}
	}
	return false
}

// fromBrowser recognises what browsers add to each request and a page cannot
// take away. Sec-Fetch-Mode is not among it: fetch of Node.js sends that too, but
// none of its siblings. Browsers send these to https and to localhost only, and
// old ones not at all: there Referer, Cookie and the User-Agent give them away.
func fromBrowser(h http.Header) bool {
	for _, name := range [...]string{
		"Origin", "Sec-Fetch-Site", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Ch-Ua", "Sec-Purpose",
		"Access-Control-Request-Method", "Upgrade-Insecure-Requests", "Referer", "Cookie",
	} {
		if _, ok := h[name]; ok {
			return true
		}
	}
	agent := h.Get("User-Agent")
	// PowerShell calls itself Mozilla, but runs no pages.
	return strings.HasPrefix(agent, "Mozilla/") && !strings.Contains(agent, "PowerShell/")
}
