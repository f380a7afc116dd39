package grants

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("token_grants", parseGrants)
	httpcaddyfile.RegisterDirectiveOrder("token_grants", httpcaddyfile.Before, "respond")
}

func parseGrants(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	g := new(Grants)
	return g, g.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads token_grants. Syntax:
//
//	token_grants [<matcher>]
func (g *Grants) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.Errf("token_grants takes a matcher and nothing else; unexpected %q", d.Val())
	}
	return directive.NoBlock(d, "token_grants")
}

var _ caddyfile.Unmarshaler = (*Grants)(nil)
