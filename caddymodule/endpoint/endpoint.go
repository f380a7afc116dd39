package endpoint

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/audit"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/caching"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/urlpath"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() {
	caddy.RegisterModule(Endpoint{})
}

// Endpoint returns the access token of a connection to a caller who may have
// it. It never returns a refresh token.
//
// The token is the body of the answer, as text without a newline. A client that asks for
// `application/json` gets an object in the form of RFC 6749 section 5.1, with the members `access_token`,
// `token_type`, `scope`, `expires_in` (seconds) and `expires_at` (RFC 3339); the last two are left out
// if nobody knows.
//
// GET and POST do the same. The query parameter `min_ttl` says for how many seconds the token should
// still be valid, 0 to 86400; a token that is not is refreshed first. Where the provider gives no token that lives
// so long, the answer is the best there is: look at `expires_in`.
//
// It answers refusals itself, with an `application/problem+json` document (RFC 9457); they
// do not go through `handle_errors`. docs/problems.md has the list of them.
type Endpoint struct {
	// The connection, `provider/connection`. It may hold placeholders, such as
	// `dropbox/{http.auth.user.id}`; they are expanded once for each request.
	Connection string `json:"connection,omitempty"`

	access.Access

	route *access.Route
	log   *accesslog.Log
	now   func() time.Time
}

// maxMinTTL bounds min_ttl: nothing that is called an access token lives longer by design.
const maxMinTTL = 24 * time.Hour

// CaddyModule returns the Caddy module information.
func (Endpoint) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_endpoint", New: func() caddy.Module { return new(Endpoint) }}
}

// Provision sets up the endpoint.
func (e *Endpoint) Provision(ctx caddy.Context) error {
	e.now, e.log = time.Now, accesslog.New(ctx)
	var err error
	if e.route, err = access.NewRoute(ctx, e.Connection, e.Access, access.EndpointCORS()); err != nil {
		return fmt.Errorf("token_endpoint %s: %w", e.Connection, err)
	}
	return nil
}

// ServeHTTP answers r with the token or a problem; it never calls next.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if accesslog.CarriesKey(r) {
		e.log.Handle(w, r, e.serve)
		return nil
	}
	return e.serve(w, r)
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	caller, p, admitted := e.route.Admit(w, r)
	if !admitted {
		if p != nil { // else it was a preflight
			e.route.Metrics().HandedOut("", p.Code)
			e.audit(r, caller, tokenstore.ID{}, p)
		}
		return nil
	}
	id, token, p := e.token(r, caller)
	e.audit(r, caller, id, p)
	if p != nil {
		e.route.Metrics().HandedOut(id.Provider, p.Code)
		p.Write(w)
		return nil
	}
	e.route.Metrics().HandedOut(id.Provider, metrics.OutcomeOK)
	e.write(w, r, token)
	return nil
}

func (e *Endpoint) audit(r *http.Request, c access.Caller, id tokenstore.ID, p *problem.Problem) {
	u := audit.Use{Caller: c.Kind(), Name: c.Name, As: audit.Endpoint, Path: site.ArrivedURL(r).EscapedPath(), Connection: e.route.Written(), Status: http.StatusOK}
	if id != (tokenstore.ID{}) {
		u.Connection = id.String()
	}
	if p != nil {
		u.Status, u.Refused = p.Status, p.Code
	}
	e.route.Audit().Write(r, u)
}

func (e *Endpoint) token(r *http.Request, caller access.Caller) (id tokenstore.ID, t *tokenstore.Token, p *problem.Problem) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return id, nil, problem.MethodNotAllowed("GET, POST")
	}
	if looksLikeFile(r) {
		return id, nil, problem.NotFound()
	}
	minTTL, p := minTTLOf(r.URL.RawQuery)
	if p != nil {
		return id, nil, p
	}
	id, _, ok := e.route.Resolve(r, caller)
	if !ok {
		return tokenstore.ID{}, nil, problem.UnknownConnection()
	}
	if p := caller.MayUse(r, access.Use{Connection: id}); p != nil {
		return id, nil, p
	}
	end, p := e.route.Begin(r, caller, id)
	defer end()
	if p != nil {
		return id, nil, p
	}
	t, p = e.route.Token(r, id, tokenstore.Want{MinTTL: minTTL})
	return id, t, p
}

// looksLikeFile reports whether a cache on the way could take the path for that of a
// static file, and keep the answer for the next one who asks ("web cache deception"): because of
// its end, or because the cache goes by what stands before a part that leads back here. The
// path as it arrived counts: it is the one that a cache knows.
func looksLikeFile(r *http.Request) bool {
	path := site.ArrivedURL(r).EscapedPath()
	return strings.ContainsAny(path[strings.LastIndexByte(path, '/')+1:], ".;%\\") || urlpath.CheckOneSpelling(path) != nil
}

// minTTLOf reads min_ttl from a query.
func minTTLOf(query string) (time.Duration, *problem.Problem) {
	const usage = "min_ttl is a whole number of seconds, 0 to 86400, and may be given once."
	params, err := url.ParseQuery(query)
	if err != nil {
		return 0, problem.BadRequest("The query cannot be read.")
	}
	values := params["min_ttl"]
	switch len(values) {
	case 0:
		return 0, nil
	case 1:
	default:
		return 0, problem.BadRequest(usage)
	}
	seconds, err := strconv.ParseUint(values[0], 10, 32)
	if err != nil || time.Duration(seconds)*time.Second > maxMinTTL {
		return 0, problem.BadRequest(usage)
	}
	return time.Duration(seconds) * time.Second, nil
}

// tokenDocument is the JSON form of an answer.
type tokenDocument struct {
	AccessToken string     `json:"access_token"`
	TokenType   string     `json:"token_type,omitempty"`
	ExpiresIn   *int64     `json:"expires_in,omitempty"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
	Scope       string     `json:"scope,omitempty"`
}

// write sends t in the form that the client prefers. Conditional and range
// requests are answered in full: there is nothing here to be kept.
func (e *Endpoint) write(w http.ResponseWriter, r *http.Request, t *tokenstore.Token) {
	h := w.Header()
	caching.NoStore(h)
	h.Set("X-Content-Type-Options", "nosniff")
	for _, name := range [...]string{"Accept", "Authorization", "Cookie"} {
		caching.VaryOn(h, name)
	}
	body := []byte(t.Value.Reveal())
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if prefersJSON(r.Header) {
		h.Set("Content-Type", "application/json")
		body = e.document(t)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may have gone
}

func (e *Endpoint) document(t *tokenstore.Token) []byte {
	doc := tokenDocument{AccessToken: t.Value.Reveal(), TokenType: t.Type, Scope: strings.Join(t.Scopes, " ")}
	if !t.ExpiresAt.IsZero() {
		at := t.ExpiresAt.UTC().Truncate(time.Second)
		in := max(0, int64(t.ExpiresAt.Sub(e.now())/time.Second))
		doc.ExpiresAt, doc.ExpiresIn = &at, &in
	}
	body, err := json.Marshal(doc)
	if err != nil { // a date after the year 9999: the token matters more
		doc.ExpiresAt = nil
		body, _ = json.Marshal(doc)
	}
	return body
}

var (
	_ caddy.Provisioner           = (*Endpoint)(nil)
	_ caddyhttp.MiddlewareHandler = (*Endpoint)(nil)
)
