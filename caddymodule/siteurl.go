package caddymodule

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// RegisterConnect makes a token_connect handler known, when it is provisioned.
// Caddy provisions one handler after the other.
func (a *App) RegisterConnect(c tokenapp.ConnectSite) { a.connects = append(a.connects, c) }

// ConnectURL returns where a person can give the consent for id, "" if no
// token_connect is configured or its address is not certain. r may be nil: then
// the URL is made without a request at hand. Its Host must have been checked.
//
// The best is a token_connect on the site of the request; then one whose
// public_url tells the address, then one whose address follows from the configuration.
func (a *App) ConnectURL(r *http.Request, id tokenstore.ID) string {
	routes := a.routesTo()
	for _, to := range routes {
		if r != nil && to.serves(r) {
			return pageOf(cmp.Or(to.connect.PublicURL, site.OriginOf(r)), to.connect, id)
		}
	}
	for _, to := range routes {
		if site := to.connect.PublicURL; site != "" {
			return pageOf(site, to.connect, id)
		}
	}
	for _, to := range routes {
		if site := to.site(); site != "" {
			return pageOf(site, to.connect, id)
		}
	}
	return ""
}

// pageOf returns the URL of the page that asks for the consent.
func pageOf(site string, c tokenapp.ConnectSite, id tokenstore.ID) string {
	path := url.URL{Path: c.Path + "/" + id.String()}
	return site + path.EscapedPath()
}

// httpServers returns the HTTP servers of the configuration that ctx belongs to.
func httpServers(ctx caddy.Context) map[string]*caddyhttp.Server {
	app, err := ctx.AppIfConfigured("http")
	if err != nil {
		return nil
	}
	return app.(*caddyhttp.App).Servers
}

// routesTo finds the routes that have a token_connect, in the same order each
// time. It must not be called before all apps are provisioned.
func (a *App) routesTo() []connectRoute {
	if len(a.connects) == 0 {
		return nil
	}
	servers := a.httpServers()
	var found []connectRoute
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		for _, c := range a.connects {
			if path := pathTo(c.Handler, servers[name].Routes); path != nil {
				found = append(found, connectRoute{connect: c, server: servers[name], path: path})
			}
		}
	}
	return found
}

// pathTo returns the routes around a handler, the outermost first; nil if it is not there.
func pathTo(wanted caddyhttp.MiddlewareHandler, routes caddyhttp.RouteList) []caddyhttp.Route {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			if handler == wanted {
				return []caddyhttp.Route{route}
			}
			if sub, ok := handler.(*caddyhttp.Subroute); ok {
				if rest := pathTo(wanted, sub.Routes); rest != nil {
					return append([]caddyhttp.Route{route}, rest...)
				}
			}
		}
	}
	return nil
}

// connectRoute is where a token_connect handler stands in the configuration.
type connectRoute struct {
	connect tokenapp.ConnectSite
	server  *caddyhttp.Server
	path    []caddyhttp.Route // the outermost first
}

// serves reports whether the site of r has the handler.
func (to connectRoute) serves(r *http.Request) bool {
	if server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); server != to.server {
		return false
	}
	for _, route := range to.path {
		hosts, everyHost := hostsOf(route)
		if everyHost {
			continue
		}
		if match, err := hosts.MatchWithError(r); err != nil || !match {
			return false
		}
	}
	return true
}

// site returns scheme and host of the one address that the handler can be
// reached at; "" if there are several, or if it is not certain.
func (to connectRoute) site() string {
	var host string
	for _, route := range to.path {
		hosts, everyHost := hostsOf(route)
		if everyHost {
			continue
		}
		if len(hosts) != 1 || host != "" || strings.ContainsAny(hosts[0], "*{") {
			return ""
		}
		host = hosts[0]
	}
	port := listenPort(to.server)
	encrypted := len(to.server.TLSConnPolicies) > 0
	switch {
	case host == "" || port == 0:
		return ""
	case encrypted && port == caddyhttp.DefaultHTTPPort:
		return "" // Caddy speaks no TLS there, whatever the policies say
	case encrypted && port == caddyhttp.DefaultHTTPSPort:
		return "https://" + host
	case encrypted:
		return "https://" + net.JoinHostPort(host, strconv.Itoa(port))
	case port == caddyhttp.DefaultHTTPPort:
		return "http://" + host
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// hostsOf returns all hosts that a route is for.
func hostsOf(route caddyhttp.Route) (hosts caddyhttp.MatchHost, everyHost bool) {
	if len(route.MatcherSets) == 0 {
		return nil, true
	}
	for _, set := range route.MatcherSets {
		before := len(hosts)
		for _, matcher := range set {
			if m, ok := matcher.(*caddyhttp.MatchHost); ok {
				hosts = append(hosts, *m...)
			}
		}
		if len(hosts) == before {
			return nil, true
		}
	}
	return hosts, false
}

// listenPort returns the one TCP port that a server listens on; 0 if there is no such.
func listenPort(server *caddyhttp.Server) int {
	var port uint
	for _, listen := range server.Listen {
		addr, err := caddy.ParseNetworkAddress(listen)
		if err != nil || addr.IsUnixNetwork() || addr.PortRangeSize() != 1 || port != 0 && port != addr.StartPort {
			return 0
		}
		port = addr.StartPort
	}
	return int(port)
}
