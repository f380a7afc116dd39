package caddymodule

import (
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// registerConnect makes a token_connect handler known, when it is provisioned.
// Caddy provisions one handler after the other.
func (a *App) registerConnect(c *Connect) { a.connects = append(a.connects, c) }

// connectURL returns where a person can give the consent for id, "" if no
// token_connect is configured. r may be nil: then the URL is made without a request at hand.
func (a *App) connectURL(r *http.Request, id tokenstore.ID) string { return "" }
