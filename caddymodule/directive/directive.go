package directive

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Duration reads the one argument of a sub-directive that may be given once.
func Duration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	if *to != 0 {
		return Repeated(d)
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

// Repeated is the error for a sub-directive that may be given once.
func Repeated(d *caddyfile.Dispenser) error {
	return d.Errf("%s is already specified", d.Val())
}

// NoBlock returns an error if a setting is followed by a block, of which it knows nothing.
func NoBlock(d *caddyfile.Dispenser, name string) error {
	if d.NextBlock(d.Nesting()) {
		return d.Errf("%s takes no block", name)
	}
	return nil
}
