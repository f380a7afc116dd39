package grants

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/audit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/caching"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

func init() { caddy.RegisterModule(Grants{}) }

// Grants signs grants for web pages. A program that has a key, such as the backend of the page, posts a JSON object with
// the members `origin` and `connection`, and if it likes `methods`, `paths` and `lifetime` (seconds, 600 if left out, at most
// 3600). The answer has the members `grant`, `expires_in` (seconds) and `expires_at`. The page sends the grant
// as `Authorization: Bearer` to a route with `allow key`. It is good for that page, that connection and what else was
// asked for, and for nothing that the key is not for; it ends with its lifetime, or when the key is revoked.
//
// The key comes as `Authorization: Bearer tsk_…`. Browsers are refused: a page must not have a key.
//
// It answers refusals itself, with an `application/problem+json` document (RFC 9457).
type Grants struct {
	app  tokenapp.App
	site site.Site
	log  *accesslog.Log
	logs *zap.Logger
	now  func() time.Time
}

// CaddyModule returns the Caddy module information.
func (Grants) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_grants", New: func() caddy.Module { return new(Grants) }}
}

// Provision sets up the handler.
func (g *Grants) Provision(ctx caddy.Context) error {
	g.site, g.log, g.logs, g.now = site.Of(ctx), accesslog.New(ctx), ctx.Logger(), time.Now
	var err error
	g.app, err = tokenapp.From(ctx)
	return err
}

// ServeHTTP answers r with a grant or a problem; it never calls next.
func (g *Grants) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if accesslog.CarriesKey(r) {
		g.log.Handle(w, r, g.serve)
		return nil
	}
	return g.serve(w, r)
}

func (g *Grants) serve(w http.ResponseWriter, r *http.Request) error {
	answer, use, p := g.grant(r)
	use.As, use.Path, use.Status = audit.Grant, site.ArrivedURL(r).EscapedPath(), http.StatusOK
	if p != nil {
		use.Status, use.Refused = p.Status, p.Code
	}
	g.app.AuditLog().Write(r, use)
	if p != nil {
		p.Write(w)
		return nil
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, errors.New("the grant cannot be written"))
	}
	caching.NoStore(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n')) // the client may have gone
	return nil
}

// document is what is answered.
type document struct {
	Grant     string    `json:"grant"`
	ExpiresIn int64     `json:"expires_in"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (g *Grants) grant(r *http.Request) (d document, use audit.Use, p *problem.Problem) {
	if p := g.check(r); p != nil {
		return d, use, p
	}
	spec, p := read(r)
	if p != nil {
		return d, use, p
	}
	store, err := g.app.Store()
	if err != nil {
		return d, use, problem.StoreUnavailable()
	}
	key, _ := accesslog.BearerOf(r)
	keys := store.CallerKeys()
	identity, ok := keys.Find(key)
	if !ok || identity.Grant {
		return d, use, problem.CredentialsNeeded()
	}
	use.Caller, use.Name, use.Connection = "key", identity.Name, spec.Scope.Connections[0]
	grant, expires, err := keys.Grant(key, spec)
	switch {
	case errors.Is(err, callerkey.ErrInvalid):
		return d, use, problem.BadRequest("The grant that is asked for cannot be: it needs one origin as browsers write it, one connection without a *, and paths that begin with a slash.")
	case errors.Is(err, callerkey.ErrRefused):
		return d, use, problem.CallerNotAllowed("The key is not for all that is asked for.")
	case err != nil:
		g.logs.Error("cannot sign a grant", zap.Error(err))
		return d, use, problem.StoreUnavailable()
	}
	return document{grant.Reveal(), int64(expires.Sub(g.now()) / time.Second), expires}, use, nil
}

// check refuses what comes from no program with a key.
func (g *Grants) check(r *http.Request) *problem.Problem {
	if access.IsBrowser(r) {
		return problem.CallerNotAllowed("A page must not have a key. Let the page's server ask for the grant, and hand it to the page.")
	}
	if _, named := g.site.Names(r); !named {
		return problem.WrongHost()
	}
	if r.Method != http.MethodPost {
		return problem.MethodNotAllowed("POST")
	}
	if _, ok := accesslog.BearerOf(r); !ok {
		return problem.CredentialsNeeded()
	}
	return nil
}

// request is what is asked for.
type request struct {
	Origin     string   `json:"origin"`
	Connection string   `json:"connection"`
	Methods    []string `json:"methods"`
	Paths      []string `json:"paths"`
	Lifetime   int      `json:"lifetime"` // seconds
}

// maxRequest bounds a request: more does not fit into a grant.
const maxRequest = callerkey.MaxGrant

func read(r *http.Request) (callerkey.GrantSpec, *problem.Problem) {
	const usage = `Post a JSON object with the members origin and connection, and if you like methods, paths and lifetime, a whole number of seconds from 1 to 3600.`
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(body) > maxRequest {
		return callerkey.GrantSpec{}, problem.BadRequest("The request is too long, or was cut off.")
	}
	var asked request
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil || !ended(decoder) || asked.Lifetime < 0 || asked.Lifetime > int(callerkey.MaxLifetime/time.Second) {
		return callerkey.GrantSpec{}, problem.BadRequest(usage)
	}
	return callerkey.GrantSpec{
		Scope: callerkey.Scope{
			Connections: []string{asked.Connection}, Origins: []string{asked.Origin}, Methods: asked.Methods, Paths: asked.Paths,
		},
		Lifetime: time.Duration(asked.Lifetime) * time.Second,
	}, nil
}

// ended reports whether nothing follows.
func ended(d *json.Decoder) bool {
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

var (
	_ caddy.Provisioner           = (*Grants)(nil)
	_ caddyhttp.MiddlewareHandler = (*Grants)(nil)
)
