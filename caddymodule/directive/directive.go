// Package directive reads what directives and global options of the Caddyfile have in common. All
// errors name the line.
package directive

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Duration reads the one argument of the sub-directive that d stands at. It returns an error if that is
// no duration, or if the sub-directive was given before, so that to is not zero.
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

// Repeated returns the error for the sub-directive that d stands at, if it may be given once and came before.
func Repeated(d *caddyfile.Dispenser) error {
	return d.Errf("%s is already specified", d.Val())
}

// NoBlock returns an error if the setting of that name, whose arguments d has read, is followed by a block.
func NoBlock(d *caddyfile.Dispenser, name string) error {
	if d.NextBlock(d.Nesting()) {
		return d.Errf("%s takes no block", name)
	}
	return nil
}
