// Package tokenapp is the app token_store as its handlers, its transport and the admin API see it. They
// find it here, and do not import what puts all of them together.
package tokenapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/audit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// Name is the app's module ID and its global option in the Caddyfile.
const Name = "token_store"

// ErrMissing is returned by [From] if the configuration has no token store.
var ErrMissing = errors.New("there is no token_store: add a token_store block to the global options, or the app token_store to the JSON configuration")

// App is what handlers and the admin API use of the app. It is safe for concurrent use
// once the app is provisioned.
type App interface {
	// Store returns the open store, opening it if nobody did yet. It opens after handlers
	// are provisioned, so ask at each request. Once the configuration has ended, the
	// error or those of the store's methods wrap tokenstore.ErrClosed.
	Store() (*tokenstore.Store, error)

	// StartedStore is Store for what begins while the configuration is provisioned, such
	// as a health check: it waits until the app has started, or ctx ends, and opens nothing. A
	// configuration that is only validated must not touch the database.
	StartedStore(ctx context.Context) (*tokenstore.Store, error)

	// Provider returns a provider of the configuration by its name.
	Provider(name string) (*tokenstore.Provider, bool)

	// AllProviders returns all of them, in the order of the configuration. They must not be changed.
	AllProviders() []*tokenstore.Provider

	// Metrics returns the collectors of the store, never nil.
	Metrics() *metrics.Metrics

	// AuditLog returns where uses of connections are written down, nil if nowhere.
	AuditLog() *audit.Log

	// ConnectURL returns the URL at which a person can give the consent for a connection, as
	// whoever sent r should use it; r may be nil. It is "" if nobody knows.
	ConnectURL(r *http.Request, id tokenstore.ID) string

	// RegisterConnect tells of a place with consent pages. It must be called while handlers are
	// provisioned, from one goroutine.
	RegisterConnect(ConnectSite)
}

// ConnectSite is a place with consent pages: a token_connect handler.
type ConnectSite struct {
	// Handler serves the pages. It is looked for in the routes of the servers.
	Handler caddyhttp.MiddlewareHandler
	// Path is what the pages are below, without a slash at its end.
	Path string
	// PublicURL is the scheme and host that browsers reach the site by, "" for those of the request.
	PublicURL string
}

// From returns the app of a configuration, which is provisioned first if it is not yet.
// It returns ErrMissing if there is none in the configuration; any other error says what is wrong
// with the one there is.
func From(ctx caddy.Context) (App, error) {
	app, err := ctx.AppIfConfigured(Name)
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("loading token_store: %w", err)
	}
	found, ok := app.(App)
	if !ok {
		return nil, fmt.Errorf("the app token_store is a %T", app)
	}
	return found, nil
}
