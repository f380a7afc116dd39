package caddymodule

import (
	"context"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/audit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() {
	caddy.RegisterModule(App{})
}

// App keeps the OAuth2 tokens of SaaS APIs, and refreshes them in the
// background. Routes use its connections: `token_endpoint` returns a
// connection's access token, `token_proxy` forwards requests with it, and
// `token_connect` is where a person gives the consent.
//
// A connection belongs to a provider that is declared here. Connections
// themselves are data, not configuration.
type App struct {
	// Where connections are kept. Default: a file in Caddy's data directory.
	Storage *StorageConfig `json:"storage,omitempty"`

	// The key that the records in the database are encrypted with, all but the names of connections: 32 bytes in
	// base64 or as 64 hex digits (`openssl rand -base64 32`). Use a
	// placeholder, `{file./path}` or `{env.NAME}`: what is written here
	// literally can be read through Caddy's admin API.
	//
	// Default: a key that is made once and kept in a file beside the database,
	// with `.key` added to its name. That protects backups and copies of the
	// database without that file, and nothing from somebody who can read both.
	EncryptionKey string `json:"encryption_key,omitempty"`

	// The SaaS APIs that connections are made to.
	Providers []*ProviderConfig `json:"providers,omitempty"`

	// How many connections, at the most, have metrics of their own. A change
	// takes effect when Caddy is restarted. Default: 1000.
	MetricsConnections int `json:"metrics_connections,omitempty"`

	// Write down each use of a connection, and each that is refused, with a logger of its own,
	// `token_store.audit`: who, from where, what for, and what came of it; never a query or a token.
	Audit bool `json:"audit,omitempty"`

	settings settings
	audit    *audit.Log             // nil: off
	link     *link                  // nil if nothing was acquired
	events   *eventObserver         // nil if Provision did not come so far
	connects []tokenapp.ConnectSite // complete when all apps are provisioned

	// httpServers returns those of this configuration, once all is provisioned.
	httpServers func() map[string]*caddyhttp.Server
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  tokenapp.Name,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision reads the configuration and tells all of its problems at once. It
// opens and creates nothing on the disk, so that a configuration can be
// validated beside a running server.
func (a *App) Provision(ctx caddy.Context) error {
	cutUnsolicited()
	a.httpServers = func() map[string]*caddyhttp.Server { return httpServers(ctx) }
	var err error
	if a.settings, err = a.resolve(); err != nil {
		return fmt.Errorf("invalid configuration:\n%w", err)
	}
	pooled, err := acquireStore(a.settings.path, a.settings.key, a.settings.metricsConnections)
	if err != nil {
		return err
	}
	logger := ctx.Logger()
	if a.Audit {
		a.audit = audit.New(logger)
	}
	a.link = &link{pooled: pooled, logger: logger, settled: make(chan struct{})} // Cleanup releases it from here on
	if pooled.metricsLimit != a.settings.metricsConnections {
		logger.Warn("metrics_connections changes when Caddy is restarted",
			zap.Int("configured", a.settings.metricsConnections), zap.Int("in_force", pooled.metricsLimit))
	}
	if err := pooled.metrics.Register(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	a.events, err = newEventObserver(ctx, func(id tokenstore.ID) string { return a.ConnectURL(nil, id) })
	if err != nil {
		return fmt.Errorf("prepare events: %w", err)
	}
	a.link.attachment = tokenstore.Attachment{
		Providers: a.settings.providers,
		Observer:  observers{logObserver{logger}, pooled.metrics, a.events},
	}
	return nil
}

// Start opens the store, unless a request has done so already: apps start in
// no particular order.
func (a *App) Start() error {
	_, err := a.Store()
	return err
}

// Stop ends the use of this configuration. The store stays open until the last
// configuration that uses it is cleaned up.
func (a *App) Stop() error {
	a.link.end()
	a.events.close()
	return nil
}

// Cleanup releases what this configuration acquired, and only that: it is
// called after a failed Provision too, and then a running configuration may
// have the same store.
func (a *App) Cleanup() error {
	cutUnsolicited() // what it was before, Caddy has just undone
	if a.link == nil {
		return nil
	}
	a.link.end()
	if a.events != nil {
		a.events.close()
	}
	return a.link.pooled.release()
}

// Store returns the open store, opening it if nobody did yet. It is safe for
// concurrent use. It returns tokenstore.ErrClosed, or a store whose methods do,
// to a request that outlives its configuration.
func (a *App) Store() (*tokenstore.Store, error) { return a.link.store() }

// StartedStore returns the store once the app has started. It implements tokenapp.App.
func (a *App) StartedStore(ctx context.Context) (*tokenstore.Store, error) { return a.link.wait(ctx) }

// Provider returns a provider of this configuration.
func (a *App) Provider(name string) (*tokenstore.Provider, bool) {
	p, ok := a.settings.byName[name]
	return p, ok
}

// AllProviders returns the providers of this configuration, in its order.
func (a *App) AllProviders() []*tokenstore.Provider { return a.settings.providers }

// AuditLog returns where uses of connections are written down, nil if nowhere.
func (a *App) AuditLog() *audit.Log { return a.audit }

// Metrics returns the collectors of the store, never nil after Provision.
func (a *App) Metrics() *metrics.Metrics { return a.link.pooled.metrics }

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ tokenapp.App       = (*App)(nil)
)
