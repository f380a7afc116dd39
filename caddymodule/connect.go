package caddymodule

// Connect is the handler of token_connect.
type Connect struct{}
