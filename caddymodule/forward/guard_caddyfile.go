package forward

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("token_guard", parseGuard)
	httpcaddyfile.RegisterDirectiveOrder("token_guard", httpcaddyfile.Before, "reverse_proxy")
}

func parseGuard(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	g := new(Guard)
	return g, g.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads token_guard. Most sites want token_proxy, which brings
// its own guard. Syntax:
//
//	token_guard [<matcher>] <connection> {
//		allow    local|anyone
//		allow    origin|key|user <...>
//		cors     { ... }
//		limit    caller|connection <n>/<time> [burst <n>]
//		limit    caller|connection concurrent <n>
//		on_error refuse|pass
//		websocket
//		methods  <methods...>
//		forward
//		pass_header          <names...>
//		pass_response_header <names...>
//	}
//
// The connection is provider/connection and may hold placeholders. Without any
// allow, only processes of this machine may use the route. forward points the request at
// the provider's host, for a reverse_proxy with the transport token_store.
func (g *Guard) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if !d.AllArgs(&g.Connection) {
		return d.Err("token_guard takes one connection, such as dropbox-demo/auth")
	}
	for d.NextBlock(0) {
		if known, err := g.unmarshalSubdirective(d); err != nil {
			return err
		} else if !known {
			return d.Errf("unrecognized sub-directive %q; token_guard takes allow, cors, limit, on_error, websocket, methods, forward, pass_header and pass_response_header", d.Val())
		}
	}
	return nil
}

// unmarshalSubdirective reads the sub-directive that d stands at, if it is one of
// a guard. token_proxy uses it too.
func (g *Guard) unmarshalSubdirective(d *caddyfile.Dispenser) (known bool, err error) {
	switch d.Val() {
	case "on_error":
		if g.OnError != "" {
			return true, directive.Repeated(d)
		}
		if !d.AllArgs(&g.OnError) || g.OnError != onErrorRefuse && g.OnError != onErrorPass {
			return true, d.Err("on_error takes refuse or pass")
		}
		return true, nil
	case "forward":
		return true, switchOn(d, &g.Forward)
	case "websocket":
		return true, switchOn(d, &g.WebSocket)
	}
	if known, err := g.Passage.unmarshalSubdirective(d); known || err != nil {
		return known, err
	}
	return g.Access.UnmarshalSubdirective(d)
}

// switchOn reads a sub-directive that has no arguments.
func switchOn(d *caddyfile.Dispenser, on *bool) error {
	name := d.Val()
	if *on {
		return directive.Repeated(d)
	}
	if d.NextArg() {
		return d.Errf("%s takes no value; leave the line out to switch it off", name)
	}
	*on = true
	return nil
}

var _ caddyfile.Unmarshaler = (*Guard)(nil)
