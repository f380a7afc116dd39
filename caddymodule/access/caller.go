package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Caller is what a request tells about who sent it, as far as it cannot be
// forged by a web page.
type Caller struct {
	// Browser: a browser sent the request.
	Browser bool
	// local: the connection comes from this machine, and nothing says that it
	// carries somebody else's request.
	local bool
	// origins are the values of the Origin header; a browser sends one at most.
	origins []string
	// site is Sec-Fetch-Site.
	site string
}

// IsLocal reports whether r comes from a process of this machine, and nothing says that
// it carries somebody else's request.
func IsLocal(r *http.Request) bool { return callerOf(r).local }

// callerOf goes over the header once: this is done for each request.
func callerOf(r *http.Request) Caller {
	// nginx's proxy_pass speaks HTTP/1.0 and adds no header, unless it is told to.
	c := Caller{local: fromThisMachine(r) && r.ProtoAtLeast(1, 1)}
	for name, values := range r.Header {
		switch {
		case name == "User-Agent":
			c.Browser = c.Browser || isBrowserAgent(r.Header.Get(name))
		case isBrowserHeader(name):
			c.Browser = true
		case isForwardingHeader(name):
			// A tunnel or a web server on this machine makes the whole world look local. One that
			// passes bytes on and adds nothing cannot be told from a process of this machine.
			c.local = false
		}
		switch name {
		case "Origin":
			c.origins = values
		case "Sec-Fetch-Site":
			c.site = r.Header.Get(name)
		}
	}
	return c
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
	if strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") {
		return true // as most are: spare them the rest
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return peer.Addr().Unmap().IsLoopback()
	}
	// The peer of a unix socket has no address, or the path of its own socket.
	_, unix := local.(*net.UnixAddr)
	return unix
}

// isBrowserHeader reports whether a request header is one that browsers add to each request and a page
// cannot take away. Sec-Fetch-Mode is not among them: fetch of Node.js sends that too, but
// none of its siblings. Browsers send these to https and to localhost only, and
// old ones not at all: there Referer, Cookie and the User-Agent give them away.
func isBrowserHeader(name string) bool {
	switch name {
	case "Origin", "Sec-Fetch-Site", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Ch-Ua", "Sec-Purpose",
		"Access-Control-Request-Method", "Upgrade-Insecure-Requests", "Referer", "Cookie":
		return true
	}
	return false
}

// isBrowserAgent reports whether a User-Agent is a browser's. PowerShell calls itself Mozilla, but
// runs no pages.
func isBrowserAgent(agent string) bool {
	return strings.HasPrefix(agent, "Mozilla/") && !strings.Contains(agent, "PowerShell/")
}
