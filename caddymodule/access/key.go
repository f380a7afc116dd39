package access

import (
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

// keyOf returns what r carries in place of a key, which may be anything; "" if there is nothing.
func keyOf(r *http.Request) string {
	if key, ok := accesslog.BearerOf(r); ok {
		return key
	}
	return accesslog.KeyOf(r).Reveal()
}

// Use is what a caller wants to do with a connection.
type Use struct {
	Connection tokenstore.ID
	// Method and Path are those of the request for the API; empty if the caller wants the token itself.
	Method, Path string
}

// Bounded reports whether c has a key that is for certain methods or paths only.
func (c Caller) Bounded() bool {
	return c.scope != nil && (c.scope.Methods != nil || c.scope.Paths != nil)
}

// MayUse returns why c must not do u, nil if it may. What a key is not for is not there, as far as its holder
// is told.
func (c Caller) MayUse(r *http.Request, u Use) *problem.Problem {
	if c.scope == nil {
		return nil
	}
	if c.kind == callerGrant && u.Path == "" {
		return problem.CallerNotAllowed("A page's grant is for requests through token_proxy: a token would be bound to no page, and outlive the grant.")
	}
	use := callerkey.Use{Connection: u.Connection.String(), Method: u.Method, Path: u.Path, Origin: c.originOf(r)}
	if c.scope.Allows(use) {
		return nil
	}
	if !(callerkey.Scope{Connections: c.scope.Connections}).Allows(use) {
		return problem.UnknownConnection()
	}
	if !(callerkey.Scope{Connections: c.scope.Connections, Origins: c.scope.Origins}).Allows(use) {
		return problem.CallerNotAllowed("The key is bound to pages of other origins.")
	}
	if u.Path == "" {
		return problem.CallerNotAllowed("The key is for certain methods or paths only, and a token has no such bounds. Send the request through token_proxy.")
	}
	return problem.CallerNotAllowed("The key is not for this method and path.")
}
