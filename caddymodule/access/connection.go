package access

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

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
func (c connection) resolve(r *http.Request, caller Caller) (tokenstore.ID, *tokenstore.Provider, bool) {
	id := c.id
	if !c.literal {
		repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		if repl == nil {
			return id, nil, false
		}
		if c.ofCaller() {
			repl.Set(callerPlaceholder, caller.Name)
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

// callerPlaceholder is the name of the caller: of its process's user, of its key, the user's id, or the name in its token.
const callerPlaceholder = "token_store.caller"

// ofCaller reports whether each caller has a connection of its own.
func (c connection) ofCaller() bool { return strings.Contains(c.template, "{"+callerPlaceholder+"}") }

// checkCaller refuses a connection that is made of the caller's name where nobody has one, or where two callers could have the
// same.
func (c connection) checkCaller(r rules) error {
	if !c.ofCaller() {
		return nil
	}
	sources := len(r.issuers)
	if len(r.uids) > 0 {
		sources++
	}
	if len(r.keys) > 0 {
		sources++
	}
	if len(r.users) > 0 {
		sources++
	}
	switch sources {
	case 0:
		return fmt.Errorf("connection %s: no caller has a name here; add allow local uid, allow key, allow user or allow jwt", c.template)
	case 1:
		return nil
	}
	return fmt.Errorf("connection %s: callers of different kinds, or of two issuers, could have the same name; allow one kind here, and the others in a route of their own whose connection has a prefix, such as provider/user-{%s}", c.template, callerPlaceholder)
}

// namesOf lists the providers for a message.
func namesOf(providers []*tokenstore.Provider) string {
	var names []string
	for _, p := range providers {
		names = append(names, p.Name())
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}
