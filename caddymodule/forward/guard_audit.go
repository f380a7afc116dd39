package forward

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/audit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// refused counts and writes down that r was refused for p.
func (g *Guard) refused(r *http.Request, c access.Caller, d decision, p *problem.Problem) {
	g.route.Metrics().Forwarded(d.id.Provider, p.Code)
	u := g.use(c, d)
	u.Status, u.Refused = p.Status, p.Code
	if d.id == (tokenstore.ID{}) { // it did not come so far that the path would be the API's
		u.Path = site.ArrivedURL(r).EscapedPath()
	}
	g.route.Audit().Write(r, u)
}

// audited runs next and writes down what came of it.
func (g *Guard) audited(w http.ResponseWriter, r *http.Request, c access.Caller, d decision, next caddyhttp.Handler) error {
	rec := caddyhttp.NewResponseRecorder(w, nil, nil)
	u := g.use(c, d)
	defer func() { // also if next panics, as reverse_proxy does when an answer is cut
		if u.Status == 0 {
			u.Status = rec.Status()
		}
		if d.forwarding != nil {
			u.Refused = d.forwarding.refused
		}
		g.route.Audit().Write(r, u)
	}()
	err := next.ServeHTTP(rec, r)
	if failed, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		u.Status = failed.StatusCode
	}
	return err
}

func (g *Guard) use(c access.Caller, d decision) audit.Use {
	u := audit.Use{Caller: c.Kind(), Name: c.Name, As: audit.Guard, Connection: g.route.Written(), Path: d.path}
	if g.Forward {
		u.As = audit.Forward
	}
	if d.id != (tokenstore.ID{}) {
		u.Connection = d.id.String()
	}
	return u
}
