package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
)

// The Caddy that the tests start is this very binary, as it is with the real program.
func TestMain(m *testing.M) {
	caddyproc.RunIfChild()
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
