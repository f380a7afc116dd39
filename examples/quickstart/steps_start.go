package main

import (
	"context"
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

func startStep() step {
	return step{
		name: "Caddy and a stand-in for Dropbox start",
		text: "The stand-in is an OAuth server and a file API in memory. Caddy runs in a process of its own, " +
			"with the Caddyfile of this example. Nothing leaves this machine.",
		run: start,
	}
}

func start(ctx context.Context, d *demo, p *printer) (string, error) {
	p.blank()
	p.row("Caddyfile", d.config())
	p.row("database", d.database())
	p.row("stand-in", d.standin.OAuthURL()+"  (OAuth)")
	p.row("", d.standin.APIURL()+"  (API)")
	p.row("", d.standin.ContentURL()+"  (content of files)")
	p.row("site", d.site())
	p.row("admin API", d.admin())
	if err := d.startCaddy(ctx); err != nil {
		return "", err
	}
	version, _ := caddy.Version()
	return fmt.Sprintf("Caddy %s is up, as process %d", version, d.caddy.PID()), nil
}
