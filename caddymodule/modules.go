package caddymodule

import (
	// Each of these registers modules, directives or a command with Caddy.
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/admin"
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/command"
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/connect"
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/endpoint"
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/forward"
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/grants"
)
