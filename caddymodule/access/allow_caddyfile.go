package access

import (
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/jwt"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
)

// UnmarshalSubdirective reads the sub-directive that d stands at, if it is one
// about access:
//
//	allow local
//	allow local  uid <user...>
//	allow origin <origin...>
//	allow key    <name...>|*
//	allow user   <id...>|*
//	allow jwt    <issuer> {
//		audience <names...>
//		require  <claim> <values...>
//		name     <claim>
//	}
//	allow anyone
//	cors {
//		allow_headers  <names...>
//		allow_methods  <methods...>
//		expose_headers <names...>
//		max_age        <duration>
//	}
//	limit caller|connection <n>/<time> [burst <n>]
//	limit caller|connection concurrent <n>
//
// allow may be repeated. Of a program, one of local, key, user, jwt and anyone has to hold; of a page, its origin has to be listed and, if there
// is one of key, user, jwt and anyone, one of these has to hold too. An origin is
// scheme://host or scheme://host:port. https://*.example.com stands for all
// subdomains, http://localhost:* for all ports and * for every page there is.
func (a *Access) UnmarshalSubdirective(d *caddyfile.Dispenser) (known bool, err error) {
	switch d.Val() {
	case "allow":
		return true, a.unmarshalAllow(d)
	case "cors":
		if a.CORS != nil {
			return true, directive.Repeated(d)
		}
		a.CORS = new(CORS)
		return true, a.CORS.unmarshal(d)
	}
	return a.Limits.UnmarshalSubdirective(d)
}

func (a *Access) unmarshalAllow(d *caddyfile.Dispenser) error {
	if a.Allow == nil {
		a.Allow = new(Allow)
	}
	if !d.NextArg() {
		return d.Errf("allow: %s", allowUsage)
	}
	if d.Val() == "jwt" {
		issuer, err := jwt.Unmarshal(d)
		a.Allow.JWT = append(a.Allow.JWT, issuer)
		return err
	}
	args := append([]string{d.Val()}, d.RemainingArgs()...)
	switch {
	case len(args) == 1 && args[0] == "local":
		if a.Allow.Local {
			return d.Err("allow local is already there")
		}
		a.Allow.Local = true
		return nil
	case len(args) > 2 && args[0] == "local" && args[1] == "uid":
		a.Allow.LocalUIDs = append(a.Allow.LocalUIDs, args[2:]...)
		return nil
	case len(args) == 1 && args[0] == "anyone":
		if a.Allow.Anyone {
			return d.Err("allow anyone is already there")
		}
		a.Allow.Anyone = true
		return nil
	case len(args) > 1 && args[0] == "key":
		a.Allow.Keys = append(a.Allow.Keys, args[1:]...)
		return nil
	case len(args) > 1 && args[0] == "user":
		a.Allow.Users = append(a.Allow.Users, args[1:]...)
		return nil
	case len(args) > 1 && args[0] == "origin":
		for _, origin := range args[1:] {
			if err := checkOriginPattern(origin); err != nil && !placeholder.In(origin) {
				return d.Errf("allow: %v", err)
			}
			a.Allow.Origins = append(a.Allow.Origins, origin)
		}
		return nil
	}
	if len(args) == 1 && (args[0] == "key" || args[0] == "user" || args[0] == "origin") {
		return d.Errf("allow %s: name at least one behind it, or * for all of them", args[0])
	}
	return d.Errf("allow %s: %s", strings.Join(args, " "), allowUsage)
}

// allowUsage is the remedy for what is no rule.
const allowUsage = "use allow local, allow local uid <user...>, allow origin <origin...>, allow key <name...>, allow user <id...>, allow jwt <issuer> { ... } or allow anyone"

// unmarshal reads the block of cors.
func (c *CORS) unmarshal(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var list *[]string
		switch d.Val() {
		case "allow_headers":
			list = &c.AllowHeaders
		case "allow_methods":
			list = &c.AllowMethods
		case "expose_headers":
			list = &c.ExposeHeaders
		case "max_age":
			if err := directive.Duration(d, &c.MaxAge); err != nil {
				return err
			}
			if age := time.Duration(c.MaxAge); age < time.Second || age > maxPreflightAge {
				return d.Errf("max_age %s: use 1s to %s", age, maxPreflightAge)
			}
			continue
		default:
			return d.Errf("unrecognized sub-directive %q of cors; it takes allow_headers, allow_methods, expose_headers and max_age", d.Val())
		}
		if *list != nil {
			return directive.Repeated(d)
		}
		if *list = d.RemainingArgs(); len(*list) == 0 {
			return d.ArgErr()
		}
	}
	return nil
}
