package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// tokens is what a route needs of a *tokenstore.Store.
type tokens interface {
	Token(context.Context, tokenstore.ID, tokenstore.Want) (*tokenstore.Token, error)
}

// Route is what token_guard and token_endpoint have in common: a connection, and
// who may use it. It is safe for concurrent use.
type Route struct {
	gate       *gate
	connection connection
	app        tokenapp.App
	// store is asked at each request: the store opens after the handlers are provisioned.
	store func() (tokens, error)
	log   *zap.Logger
}

// NewRoute reads the settings of a route while its handler is provisioned with ctx. defaults are what
// the settings of CORS leave out. The error tells all that is wrong; it is tokenapp.ErrMissing
// if there is no token store.
func NewRoute(ctx caddy.Context, id string, a Access, defaults CORS) (*Route, error) {
	app, err := tokenapp.From(ctx)
	if err != nil {
		return nil, err
	}
	c, errConnection := newConnection(id, app)
	g, errAccess := newGate(a, defaults, site.Of(ctx), ctx.Logger())
	if err := errors.Join(errConnection, errAccess); err != nil {
		return nil, err
	}
	return &Route{
		gate: g, connection: c, app: app, log: ctx.Logger(),
		store: func() (tokens, error) { return app.Store() },
	}, nil
}

// Admit decides whether r may use the route. It answers r itself if it may not go on or if it is a preflight, and then
// ok is false. p is the problem it was refused for, if it was. Otherwise the CORS headers are
// set, also for errors that come later.
func (t *Route) Admit(w http.ResponseWriter, r *http.Request) (c Caller, p *problem.Problem, ok bool) {
	return t.gate.admit(w, r)
}

// Resolve returns the connection that r is about, and its provider. ok is false if the name
// that r gives is none, or if its provider is not configured.
func (t *Route) Resolve(r *http.Request) (id tokenstore.ID, p *tokenstore.Provider, ok bool) {
	return t.connection.resolve(r)
}

// Metrics returns where the requests of the route are counted.
func (t *Route) Metrics() *metrics.Metrics { return t.app.Metrics() }

// Token returns the token of the connection id, which Resolve returned, or what the client is told
// instead. Only a connection that is written out in the configuration may come into being by use; for one
// without a grant, the problem says where to give the consent.
func (t *Route) Token(r *http.Request, id tokenstore.ID, w tokenstore.Want) (*tokenstore.Token, *problem.Problem) {
	w.Create = t.connection.literal
	store, err := t.store()
	if err != nil {
		t.log.Error("token store is not open", zap.Error(err))
		return nil, problem.StoreUnavailable()
	}
	token, err := store.Token(r.Context(), id, w)
	if err == nil {
		return token, nil
	}
	p := problem.Of(err)
	if p.Code == "unknown_connection" && t.connection.literal {
		// The operator wrote its name down: there is nothing to hide, and it is
		// the person in front of the client who can help.
		p = problem.ConsentNeeded(reasonNotConnected)
	}
	switch p.Code {
	case "consent_needed":
		p.ConnectURL = t.app.ConnectURL(r, id)
	case "store_unavailable":
		t.log.Error("token store failed", zap.Stringer("connection", id), zap.Error(err))
	}
	return nil, p
}

// reasonNotConnected is the reason for a connection that was never made.
const reasonNotConnected tokenstore.Reason = "not_connected"

// connection is the connection of a route: one that was written down, or a
// template with placeholders.
type connection struct {
	literal  bool
	id       tokenstore.ID // if literal
	template string
	app      tokenapp.App
}

// newConnection reads the connection of a route. As far as it is known before
// there is a request, its provider must be configured.
func newConnection(s string, app tokenapp.App) (connection, error) {
	if s == "" {
		return connection{}, errors.New("connection is missing; write provider/connection, such as dropbox-demo/auth")
	}
	provider, _, _ := strings.Cut(s, "/")
	if !strings.Contains(provider, "{") {
		if _, ok := app.Provider(provider); !ok {
			return connection{}, fmt.Errorf("provider %q of connection %q is not configured; configured are: %s", provider, s, namesOf(app.AllProviders()))
		}
	}
	if strings.Contains(s, "{") {
		return connection{template: s, app: app}, nil
	}
	id, err := tokenstore.ParseID(s)
	return connection{literal: true, id: id, app: app}, err
}

// resolve returns the connection that r is about, and its provider. Placeholders are expanded
// once: what they expand to is data, however it looks.
func (c connection) resolve(r *http.Request) (tokenstore.ID, *tokenstore.Provider, bool) {
	id := c.id
	if !c.literal {
		repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		if repl == nil {
			return id, nil, false
		}
		expanded, err := repl.ReplaceOrErr(c.template, true, true)
		if err != nil {
			return id, nil, false
		}
		if id, err = tokenstore.ParseID(expanded); err != nil {
			return tokenstore.ID{}, nil, false
		}
	}
	p, ok := c.app.Provider(id.Provider)
	return id, p, ok
}

// namesOf lists the providers for a message.
func namesOf(providers []*tokenstore.Provider) string {
	var names []string
	for _, p := range providers {
		names = append(names, p.Name())
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}
