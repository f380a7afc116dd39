package testcaddy

import (
	"testing"

	"go.uber.org/goleak"
)

// VerifyTestMain is goleak.VerifyTestMain for packages whose tests run a Caddy.
func VerifyTestMain(m *testing.M) { goleak.VerifyTestMain(m, CaddysOwn()...) }

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
		// A server that gives a connection up lets the client read the answer for half a second.
		goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"),
	}
}
