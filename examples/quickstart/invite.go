package main

// invite prints what to try while everything is up.
func invite(p *printer, d *demo) {
	p.blank()
	p.text("All of it stays up until you press Ctrl-C. The token goes on being refreshed meanwhile.")
	p.blank()
	p.row("consent page", d.site()+"/connect/"+connection+"  (for a browser)")
	p.row("metrics", d.metricsCall().url)
	p.row("connections", d.admin()+"/token_store/connections")
	p.row("Caddyfile", d.config())
	p.row("database", d.database())
	if d.log != nil {
		p.row("Caddy's log", d.log.Name())
	}
	for _, c := range []call{d.tokenCall(), d.uploadCall(), d.listCall(), d.downloadCall(), d.refreshCall()} {
		p.command(c.curl())
	}
}
