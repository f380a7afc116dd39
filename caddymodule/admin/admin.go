package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() {
	caddy.RegisterModule(api{})
}

// api adds routes to Caddy's admin API. What may do anything to the
// configuration may do it to connections too; but not even the admin API gives a token away, nor a
// caller's key that was made before.
type api struct {
	app        func() (tokenapp.App, error)
	configured func() bool
	now        func() time.Time
}

// CaddyModule returns the Caddy module information.
func (api) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.token_store",
		New: func() caddy.Module { return &api{app: activeApp, configured: configured, now: time.Now} },
	}
}

// activeApp returns the app of the configuration in force. It is looked up for each request: the
// routes are made before the apps of their configuration, and stay when a reload fails.
func activeApp() (tokenapp.App, error) {
	app, err := tokenapp.From(caddy.ActiveContext())
	if errors.Is(err, tokenapp.ErrMissing) {
		return nil, apiError(http.StatusNotFound, err,
			"the running configuration has no token store; add a token_store block to its global options")
	}
	return app, err
}

// Routes implements [caddy.AdminRouter].
func (a *api) Routes() []caddy.AdminRoute {
	const (
		connection = adminapi.Base + "/connections/{provider}/{name}"
		keys       = adminapi.Base + "/keys"
	)
	return []caddy.AdminRoute{
		a.route("GET "+adminapi.Base+"/ready", a.ready),
		a.route("GET "+adminapi.Base+"/providers", a.listProviders),
		a.route("GET "+adminapi.Base+"/connections", a.listConnections),
		a.route("GET "+connection, withID(a.showConnection)),
		a.route("PUT "+connection, withID(a.importConnection)),
		a.route("DELETE "+connection, withID(a.deleteConnection)),
		a.route("POST "+connection+"/refresh", withID(a.refreshConnection)),
		a.route("POST "+connection+"/login_link", withID(a.makeLoginLink)),
		a.route("POST "+adminapi.Base+"/backup", a.backup),
		a.route("GET "+adminapi.Base+"/rotation", a.showRotation),
		a.route("POST "+adminapi.Base+"/rotation", a.rotateKey),
		a.route("GET "+keys, a.listKeys),
		a.route("POST "+keys, a.createKey),
		a.route("DELETE "+keys+"/{name}", a.revokeKey),
	}
}

func (a *api) route(pattern string, handle caddy.AdminHandlerFunc) caddy.AdminRoute {
	return caddy.AdminRoute{
		Pattern: pattern,
		Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Cache-Control", "no-store")
			if err := a.await(r.Context()); err != nil {
				return err
			}
			return answerError(w, handle(w, r))
		}),
	}
}

// withID reads the connection's id out of the path, which the mux has unescaped, once.
func withID(handle func(http.ResponseWriter, *http.Request, tokenstore.ID) error) caddy.AdminHandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := tokenstore.ID{Provider: r.PathValue("provider"), Name: r.PathValue("name")}
		if err := id.Validate(); err != nil {
			return err
		}
		return handle(w, r, id)
	}
}

// store returns the app's store, open.
func (a *api) store() (*tokenstore.Store, error) {
	app, err := a.app()
	if err != nil {
		return nil, err
	}
	store, err := app.Store()
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err,
			"the token store cannot be opened; Caddy's log tells why")
	}
	return store, nil
}

func answer(w http.ResponseWriter, status int, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(encoded, '\n'))
	return nil
}

var _ caddy.AdminRouter = (*api)(nil)
