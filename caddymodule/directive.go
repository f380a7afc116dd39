package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// unmarshalDuration reads the one argument of a sub-directive that may be given once.
func unmarshalDuration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	if *to != 0 {
		return repeated(d)
	}
	name := d.Val()
	var arg string
	if !d.AllArgs(&arg) {
		return d.ArgErr()
	}
	duration, err := caddy.ParseDuration(arg)
	if err != nil {
		return d.Errf("%s: %q is no duration; write 10m or 90s", name, arg)
	}
	*to = caddy.Duration(duration)
	return nil
}

// repeated is the error for a sub-directive that may be given once.
func repeated(d *caddyfile.Dispenser) error {
	return d.Errf("%s is already specified", d.Val())
}

// noBlock returns an error if a setting is followed by a block, of which it knows nothing.
func noBlock(d *caddyfile.Dispenser, name string) error {
	if d.NextBlock(d.Nesting()) {
		return d.Errf("%s takes no block", name)
	}
	return nil
}
