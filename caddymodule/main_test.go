package caddymodule

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Caddy's storage holds a lock while it is cleaned. The goroutine that keeps the lock's
		// file fresh notices only after a sleep of 5 s that the lock is gone.
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
	)
}
