package forward

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// socketVar holds the address that a WebSocket of a Forwarder goes to.
const socketVar = "token_store.websocket"

// provisionSockets sets up what WebSockets go through: reverse_proxy knows how to end them, with a message that says so, when a configuration
// does. Those of httputil would outlive it, and with it the rules that they were opened under.
func (f *Forwarder) provisionSockets(ctx caddy.Context) error {
	if !f.WebSocket && !slices.ContainsFunc(f.transport.app.AllProviders(), (*tokenstore.Provider).WebSocket) {
		return nil
	}
	sockets := &reverseproxy.Handler{
		Transport: f.transport,
		Upstreams: reverseproxy.UpstreamPool{{Dial: "{http.vars." + socketVar + "}"}},
	}
	if err := sockets.Provision(ctx); err != nil {
		return err
	}
	f.sockets = sockets
	return nil
}

// serveSocket opens a WebSocket, which the guard has let pass.
func (f *Forwarder) serveSocket(w http.ResponseWriter, r *http.Request, fw *forwarding, next caddyhttp.Handler) error {
	caddyhttp.SetVar(r.Context(), socketVar, fw.host.Address)
	return f.sockets.ServeHTTP(w, r, next)
}

// Cleanup ends the WebSockets that are open.
func (f *Forwarder) Cleanup() error {
	if f.sockets == nil {
		return nil
	}
	return f.sockets.Cleanup()
}
