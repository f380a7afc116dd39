package endpoint

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("token_endpoint", parseEndpoint)
	httpcaddyfile.RegisterDirectiveOrder("token_endpoint", httpcaddyfile.Before, "respond")
}

func parseEndpoint(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	e := new(Endpoint)
	return e, e.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads token_endpoint. Syntax:
//
//	token_endpoint [<matcher>] <connection> {
//		allow local
//		allow origin <origin...>
//		allow key    <name...>|*
//		allow user   <id...>|*
//		allow anyone
//		cors {
//			allow_headers  <names...>
//			allow_methods  <methods...>
//			expose_headers <names...>
//			max_age        <duration>
//		}
//		limit caller|connection <n>/<time> [burst <n>]
//		limit caller|connection concurrent <n>
//	}
//
// The connection is provider/connection and may hold placeholders. Without any
// allow, only processes of this machine get the token.
func (e *Endpoint) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if !d.AllArgs(&e.Connection) {
		return d.Err("token_endpoint takes one connection, such as dropbox-demo/auth")
	}
	for d.NextBlock(0) {
		known, err := e.UnmarshalSubdirective(d)
		if err != nil {
			return err
		}
		if !known {
			return d.Errf("unrecognized sub-directive %q; token_endpoint takes allow, cors and limit", d.Val())
		}
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Endpoint)(nil)
