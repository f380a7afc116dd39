package caddyproc

import (
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// The Caddy that the tests start is this very binary, as it is with the examples.
func TestMain(m *testing.M) {
	RunIfChild()
	leaktest.VerifyTestMain(m)
}
