package connect

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
)

// defaultConnectPath is where the pages are if nobody says otherwise.
const defaultConnectPath = "/connect"

func init() {
	httpcaddyfile.RegisterDirective("token_connect", parseConnect)
	httpcaddyfile.RegisterDirectiveOrder("token_connect", httpcaddyfile.Before, "respond")
}

func parseConnect(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	c := new(Connect)
	if err := c.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	below := caddy.ModuleMap{"path": h.JSON(caddyhttp.MatchPath{c.Path + "/*"})}
	return h.NewRoute(below, c), nil
}

// UnmarshalCaddyfile reads token_connect. Syntax:
//
//	token_connect [<path>/*] {
//		public_url <url>
//		allow      local|ticket
//	}
//
// The pages are below <path>, /connect by default, which has to be the path that browsers
// see: put the directive in handle or route, but not in handle_path. public_url is the scheme
// and host that browsers reach the site by; it is needed behind a proxy and where ports are mapped. With allow ticket,
// nobody begins a consent without a login link; with allow local, which is the
// default, a person in a browser on the server's own machine does not need one.
func (c *Connect) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	c.Path = defaultConnectPath
	if d.NextArg() {
		path, star := strings.CutSuffix(d.Val(), "/*")
		if !star || !isConnectPath(path) {
			return d.Errf("token_connect %s: write the path that the pages are below, such as /connect/*", d.Val())
		}
		c.Path = path
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	allowed := false
	for d.NextBlock(0) {
		switch d.Val() {
		case "public_url":
			if c.PublicURL != "" {
				return directive.Repeated(d)
			}
			if !d.AllArgs(&c.PublicURL) {
				return d.ArgErr()
			}
			if _, err := parsePublicURL(c.PublicURL); err != nil && !placeholder.In(c.PublicURL) {
				return d.WrapErr(err)
			}
		case "allow":
			if allowed {
				return directive.Repeated(d)
			}
			allowed = true
			var who string
			if !d.AllArgs(&who) || who != "local" && who != "ticket" {
				return d.Err("allow takes local or ticket here; pages of other origins have nothing to do with a consent")
			}
			c.TicketsOnly = who == "ticket"
		default:
			return d.Errf("unrecognized sub-directive %q; token_connect takes public_url and allow", d.Val())
		}
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Connect)(nil)
