package forward

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	listed "github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// provisionPassage works out what goes on, for each provider that the route may be about: for the one that is written
// down, or for all of them if a placeholder says which. That there is one is for the route to check.
func (g *Guard) provisionPassage(app tokenapp.App) {
	providers := app.AllProviders()
	if name, _, _ := strings.Cut(g.Connection, "/"); !strings.Contains(name, "{") {
		providers = nil
		if p, ok := app.Provider(name); ok {
			providers = append(providers, p)
		}
	}
	g.passings = make(map[string]*passing, len(providers))
	for _, p := range providers {
		pass := g.newPassing(p)
		g.passings[p.Name()] = pass
		g.cookies = g.cookies || g.Forward && pass.request.Lists("Cookie")
	}
}

// cors returns what pages may send and read unless the route says otherwise: what goes on.
func (g *Guard) cors() access.CORS {
	var filters []*listed.Filter
	var methods []string
	for _, p := range g.passings {
		filters = append(filters, p.request)
		methods = append(methods, p.methods...)
	}
	slices.Sort(methods)
	c := access.ProxyCORS(filters...)
	c.AllowMethods = slices.Compact(methods)
	return c
}

// checkCORS refuses methods that a preflight would promise and the route refuse.
func (g *Guard) checkCORS() error {
	if g.CORS == nil {
		return nil
	}
	var problems []error
	for _, method := range g.CORS.AllowMethods {
		forwarded := method == "*" || len(g.passings) == 0
		for _, p := range g.passings {
			forwarded = forwarded || p.lets(method)
		}
		if !forwarded {
			problems = append(problems, fmt.Errorf("cors: allow_methods %s: the route does not forward it; add it to methods, or take it away here", method))
		}
	}
	return errors.Join(problems...)
}

// passOwn lists the request headers that header_up sets. They are the operator's own, whatever a
// client sent by that name.
func (g *Guard) passOwn(ops *headers.Handler) {
	if ops == nil || ops.Request == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(ops.Request.Set)) {
		if listed.CheckRequest(name) == nil && !strings.Contains(name, "*") && !slices.Contains(g.PassHeaders, name) {
			g.PassHeaders = append(g.PassHeaders, name)
		}
	}
}

// passesForwarding reports whether request headers pass that only reverse_proxy makes, such as X-Forwarded-For.
func (g *Guard) passesForwarding() bool {
	return slices.ContainsFunc(g.PassHeaders, func(name string) bool {
		return listed.IsForwarding(http.CanonicalHeaderKey(name))
	})
}
