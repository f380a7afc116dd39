package jwt

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
)

// Unmarshal reads the rule whose word jwt d stands at:
//
//	allow jwt <issuer> {
//		audience <name...>
//		require  <claim> <value...>
//		name     <claim>
//		private
//	}
//
// audience and require may be repeated. All claims that are required have to hold, each with one of its
// values. Errors name the line.
func Unmarshal(d *caddyfile.Dispenser) (*Issuer, error) {
	i := new(Issuer)
	if !d.AllArgs(&i.Issuer) {
		return nil, d.Err("allow jwt: write allow jwt <issuer> { audience <name...> }")
	}
	if err := checkIssuer(i.Issuer); err != nil && !placeholder.In(i.Issuer) {
		return nil, d.Errf("allow jwt: %v", err)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := i.unmarshalSetting(d); err != nil {
			return nil, err
		}
	}
	if len(i.Audiences) == 0 {
		return nil, d.Errf("allow jwt %s: audience is missing; write audience <name>, as the tokens for this service have it in aud", i.Issuer)
	}
	return i, nil
}

func (i *Issuer) unmarshalSetting(d *caddyfile.Dispenser) error {
	setting, args := d.Val(), d.RemainingArgs()
	switch {
	case setting == "audience" && len(args) > 0:
		i.Audiences = append(i.Audiences, args...)
	case setting == "require" && len(args) > 1:
		claim := args[0]
		if i.Require[claim] != nil {
			return d.Errf("require %s is already specified; write all its values there", claim)
		}
		if i.Require == nil {
			i.Require = make(map[string][]string)
		}
		i.Require[claim] = args[1:]
	case setting == "name" && len(args) == 1 && args[0] != "":
		if i.Name != "" {
			return d.Errf("name is already specified")
		}
		i.Name = args[0]
	case setting == "private" && len(args) == 0:
		i.Private = true
	case setting == "audience", setting == "require", setting == "name", setting == "private":
		return d.Errf("%s: write audience <name...>, require <claim> <value...>, name <claim> or private", setting)
	default:
		return d.Errf("unrecognized sub-directive %q of allow jwt; it takes audience, require, name and private", setting)
	}
	return directive.NoBlock(d, setting)
}
