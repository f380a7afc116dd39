package caddymodule

import (
	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/command" // registers "caddy token-store"
)
