package caddyproc

import (
	"testing"

	"go.uber.org/goleak"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
)

// The Caddy that the tests start is this very binary, as it is with the examples.
func TestMain(m *testing.M) {
	RunIfChild()
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
