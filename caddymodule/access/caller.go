package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/limit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// Caller is what a request tells about who sent it, as far as it cannot be
// forged by a web page.
type Caller struct {
	// Browser: a browser sent the request.
	Browser bool
	// Name is that of the process's user as the route has it, that of the key, the id of the user or the name in the token that let the caller in; "" if another rule did.
	Name string
	// kind is the rule that let the caller in.
	kind callerKind
	// scope is what the key is for; nil if another rule let the caller in.
	scope *callerkey.Scope
	// local: the connection comes from this machine, and nothing says that it
	// carries somebody else's request.
	local bool
	// origins are the values of the Origin header; a browser sends one at most.
	origins []string
	// site is Sec-Fetch-Site.
	site string
}

// callerKind says by which rule a caller may use a route.
type callerKind string

const (
	callerLocal  callerKind = "local"
	callerPage   callerKind = "page"
	callerKey    callerKind = "key"
	callerGrant  callerKind = "grant" // of a page, from somebody with a key
	callerUser   callerKind = "user"
	callerJWT    callerKind = "jwt"
	callerAnyone callerKind = "anyone"
)

// countedAs returns what tells c from other callers, for limits: who it is, or where it comes from. Many pages may have
// grants of one key, so these count by their address.
func (c Caller) countedAs(r *http.Request) string {
	if c.Name != "" && c.kind != callerGrant {
		return string(c.kind) + " " + c.Name
	}
	from := r.RemoteAddr
	if client, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && client != "" {
		from = client // behind trusted proxies
	}
	return "address " + limit.CallerOfAddress(from)
}

// Kind returns the word for the rule that let c in: local, page, key, grant, user, jwt or anyone; "" if none did.
func (c Caller) Kind() string { return string(c.kind) }

// originOf returns the origin of the page that r comes from, "" if nobody knows.
func (c Caller) originOf(r *http.Request) string {
	switch {
	case len(c.origins) == 1:
		return c.origins[0]
	case len(c.origins) == 0 && c.site == "same-origin":
		// Browsers leave Origin out when a page of the site itself gets something.
		return site.OriginOf(r)
	}
	return ""
}

// IsLocal reports whether r comes from a process of this machine, and nothing says that
// it carries somebody else's request.
func IsLocal(r *http.Request) bool { return callerOf(r).local }

// IsBrowser reports whether a browser sent r.
func IsBrowser(r *http.Request) bool { return callerOf(r).Browser }

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
		case headers.IsForwarding(name):
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
