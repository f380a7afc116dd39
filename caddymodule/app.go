package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// App is the token_store app.
type App struct{}

// Store returns the open store, opening it if nobody did yet.
func (a *App) Store() (*tokenstore.Store, error) { return nil, errors.ErrUnsupported }

// Provider returns a provider of this configuration.
func (a *App) Provider(name string) (*tokenstore.Provider, bool) { return nil, false }

// registerConnect makes a token_connect handler known, when it is provisioned.
func (a *App) registerConnect(c *Connect) {}

// connectURL returns where a person can give the consent for id, "" if no
// token_connect is configured. r may be nil: then the URL is made without a request at hand.
func (a *App) connectURL(r *http.Request, id tokenstore.ID) string { return "" }

// metrics returns the collectors of the store, never nil after Provision.
func (a *App) metrics() *metrics { return nil }
