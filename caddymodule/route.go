package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// tokens is what a route needs of a *tokenstore.Store.
type tokens interface {
	Token(context.Context, tokenstore.ID, tokenstore.Want) (*tokenstore.Token, error)
}

// route is what token_guard and token_endpoint have in common: a connection, and
// who may use it.
type route struct {
	gate       *gate
	connection connection
	app        *App
	// store is asked at each request: the store opens after the handlers are provisioned.
	store func() (tokens, error)
	log   *zap.Logger
}

func newRoute(ctx caddy.Context, id string, a Access, defaults CORS) (*route, error) {
	app, err := routeApp(ctx)
	if err != nil {
		return nil, err
	}
	c, errConnection := newConnection(id, app)
	g, errAccess := newGate(a, defaults, siteOf(ctx), ctx.Logger())
	if err := errors.Join(errConnection, errAccess); err != nil {
		return nil, err
	}
	return &route{
		gate: g, connection: c, app: app, log: ctx.Logger(),
		store: func() (tokens, error) { return app.Store() },
	}, nil
}

// routeApp returns the app that the handlers of ctx belong to.
func routeApp(ctx caddy.Context) (*App, error) {
	app, err := ctx.AppIfConfigured("token_store")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, errors.New("there is no token_store to take tokens from; configure it in the global options")
	}
	if err != nil {
		return nil, err
	}
	return app.(*App), nil
}

// token gets a token, or says what the client is told instead.
func (t *route) token(r *http.Request, id tokenstore.ID, w tokenstore.Want) (*tokenstore.Token, *problem) {
	w.Create = t.connection.literal
	store, err := t.store()
	if err != nil {
		t.log.Error("token store is not open", zap.Error(err))
		return nil, storeUnavailable()
	}
	token, err := store.Token(r.Context(), id, w)
	if err == nil {
		return token, nil
	}
	p := problemOf(err)
	if p.code == "unknown_connection" && t.connection.literal {
		// The operator wrote its name down: there is nothing to hide, and it is
		// the person in front of the client who can help.
		p = consentNeeded(reasonNotConnected)
	}
	switch p.code {
	case "consent_needed":
		p.connectURL = t.app.connectURL(r, id)
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
	app      *App
}

// newConnection reads the connection of a route. As far as it is known before
// there is a request, its provider must be configured.
func newConnection(s string, app *App) (connection, error) {
	if s == "" {
		return connection{}, errors.New("connection is missing; write provider/connection, such as dropbox-demo/auth")
	}
	provider, _, _ := strings.Cut(s, "/")
	if !strings.Contains(provider, "{") {
		if _, ok := app.Provider(provider); !ok {
			return connection{}, fmt.Errorf("provider %q of connection %q is not configured; configured are: %s", provider, s, app.providerNames())
		}
	}
	if strings.Contains(s, "{") {
		return connection{template: s, app: app}, nil
	}
	id, err := tokenstore.ParseID(s)
	return connection{literal: true, id: id, app: app}, err
}

// providerNames lists the providers for a message.
func (a *App) providerNames() string {
	var names []string
	for _, p := range a.settings.providers {
		names = append(names, p.Name())
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
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
