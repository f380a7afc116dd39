package access

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/audit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/limit"
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
	limiter    *limit.Limiter // nil: no limits
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
	g, errAccess := newGate(a, defaults, site.Of(ctx), func() (keyring, error) {
		store, err := app.Store()
		if err != nil {
			return nil, err
		}
		return store.CallerKeys(), nil
	}, ctx.Logger())
	if errConnection == nil && errAccess == nil {
		errConnection = errors.Join(c.checkCaller(g.rules), g.rules.uids.watch(ctx))
	}
	limiter, errLimits := limit.New(a.Limits, time.Now)
	if err := errors.Join(errConnection, errAccess, errLimits); err != nil {
		return nil, err
	}
	return &Route{
		gate: g, limiter: limiter, connection: c, app: app, log: ctx.Logger(),
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
// that r or its caller gives is none, or if its provider is not configured.
func (t *Route) Resolve(r *http.Request, c Caller) (id tokenstore.ID, p *tokenstore.Provider, ok bool) {
	return t.connection.resolve(r, c)
}

// Written returns the connection of the route if it is written out in the configuration, and "" if a request has a part in it.
func (t *Route) Written() string {
	if !t.connection.literal {
		return ""
	}
	return t.connection.id.String()
}

// Begin counts a request of c for the connection id against the limits of the route, or says why it has to wait. Whoever
// called it has to call end, once or more, when the request is done.
func (t *Route) Begin(r *http.Request, c Caller, id tokenstore.ID) (end func(), p *problem.Problem) {
	if t.limiter == nil {
		return func() {}, nil
	}
	end, wait, ok := t.limiter.Admit(c.countedAs(r), id.String())
	if !ok {
		return end, problem.TooManyRequests(wait)
	}
	return end, nil
}

// Audit returns where the uses of the route are written down, nil if nowhere.
func (t *Route) Audit() *audit.Log { return t.app.AuditLog() }

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
