package caddymodule

// The command "caddy token-store" registers itself.
import _ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/command"
