package main

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// The Caddy that the tests start is this very binary, as it is with the real program.
func TestMain(m *testing.M) {
	caddyproc.RunIfChild()
	leaktest.VerifyTestMain(m)
}
