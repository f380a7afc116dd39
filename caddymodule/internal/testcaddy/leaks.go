package testcaddy

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// VerifyTestMain is leaktest.VerifyTestMain for packages whose tests run a Caddy.
func VerifyTestMain(m *testing.M) { leaktest.VerifyTestMain(m, CaddysOwn()...) }

// CaddysOwn are the goroutines of Caddy that end in their own time, seconds after it was stopped or never.
func CaddysOwn() []goleak.Option {
	return []goleak.Option{
		// It notices with its next tick that its lock was given up.
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		// A server that is shut down waits five seconds for a connection that a client
		// opened and did not use, and these wait for the server.
		goleak.IgnoreAnyFunction("github.com/caddyserver/caddy/v2/modules/caddyhttp.(*App).stop.func2"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/caddy/v2/modules/caddyhttp.(*App).stop.func4"),
		// It forgets the upstreams that were found by DNS, as long as the process lives.
		goleak.IgnoreAnyFunction("github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy.(*Upstream).fillDynamicHost.func1.1"),
	}
}
