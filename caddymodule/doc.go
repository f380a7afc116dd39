// Package caddymodule is the plugin: all that speaks Caddy. Importing it, as cmd/caddy
// does, gives a Caddy
//
//   - the app token_store, with its global option in the Caddyfile,
//   - the directives token_connect, token_endpoint, token_proxy and token_guard,
//   - the transport token_store for reverse_proxy,
//   - routes below /token_store/ in the admin API, and the command caddy token-store.
//
// What a token is, and when it is refreshed, is none of its business: that is
// package tokenstore's. A request passes a guard, which says who may use the connection, and then either
// gets the token as its answer, or is forwarded, if need be by Caddy's own reverse proxy, and
// has the token attached in the transport, behind everything that logs.
//
// The package itself has the app: its configuration, the store that outlives a reload, what goes to the log
// and to Caddy's events. Each of the others is in a package below, and sees the app as tokenapp.App.
package caddymodule
