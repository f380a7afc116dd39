package forward

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() {
	caddy.RegisterModule(Guard{})
}

// Guard decides whether a request may use a connection, before it is forwarded. It refuses
// the requests of callers that are not allowed, and those for which there is no token, so that a refusal
// never counts against the health of an upstream.
//
// It answers refusals itself, with an `application/problem+json` document (RFC 9457); they
// do not go through `handle_errors`. docs/problems.md has the list of them.
//
// The client's own `Authorization`, `Proxy-Authorization` and, unless it is in `pass_headers`, `Cookie` are taken off the request. The
// guard attaches no token: that is done by the transport `token_store`, which knows where a request really goes.
type Guard struct {
	// The connection, `provider/connection`. It may hold placeholders, such as
	// `dropbox/{http.auth.user.id}`; they are expanded once for each request.
	Connection string `json:"connection,omitempty"`

	access.Access

	Passage

	// What happens when there is no token because consent is needed, or because the
	// provider is out of order or misconfigured: `refuse` answers with a problem
	// document, `pass` lets the request go on without a token. Default: `refuse`.
	OnError string `json:"on_error,omitempty"`

	// Point the request at the provider's host, for a `reverse_proxy` that comes
	// next and uses the transport `token_store`.
	Forward bool `json:"forward,omitempty"`

	// Let WebSockets be opened. What goes through one is not looked at. Default: only if the
	// provider's preset says that its API has them.
	WebSocket bool `json:"websocket,omitempty"`

	route    *access.Route
	log      *accesslog.Log
	passings map[string]*passing // by the name of the provider
	cookies  bool                // some of them may go on
}

// What to do when there is no token.
const (
	onErrorRefuse = "refuse"
	onErrorPass   = "pass"
)

// CaddyModule returns the Caddy module information.
func (Guard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_guard", New: func() caddy.Module { return new(Guard) }}
}

// Provision sets up the guard.
func (g *Guard) Provision(ctx caddy.Context) error {
	switch g.OnError {
	case "", onErrorRefuse, onErrorPass:
	default:
		return fmt.Errorf("on_error %q: use refuse or pass", g.OnError)
	}
	app, err := tokenapp.From(ctx)
	if err != nil {
		return err
	}
	g.log = accesslog.New(ctx)
	g.provisionPassage(app)
	g.route, err = access.NewRoute(ctx, g.Connection, g.Access, g.cors())
	if err := errors.Join(g.Passage.validate(g.Forward), g.checkCORS(), err); err != nil {
		return fmt.Errorf("route of connection %s: %w", g.Connection, err)
	}
	return nil
}

// ServeHTTP lets r go on to next, or answers it.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if accesslog.CarriesKey(r) {
		g.log.Handle(w, r, func(w http.ResponseWriter, r *http.Request) error { return g.serve(w, r, next) })
		return nil
	}
	return g.serve(w, r, next)
}

func (g *Guard) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	caller, p, admitted := g.route.Admit(w, r)
	if !admitted {
		if p != nil { // else it was a preflight
			g.refused(r, caller, decision{}, p)
		}
		return nil
	}
	g.stripCredentials(r.Header)
	d, p := g.decide(r, caller)
	defer d.end()
	if p != nil {
		g.refused(r, caller, d, p)
		p.Write(w)
		return nil
	}
	if caller.Browser {
		w.Header()["X-Content-Type-Options"] = []string{"nosniff"}
	}
	if !g.Forward { // with it, the transport knows better what became of it
		g.route.Metrics().Forwarded(d.id.Provider, d.outcome)
	}
	if hasBody(r) {
		return watchBody(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return g.pass(w, r, caller, d, next)
		}))
	}
	return g.pass(w, r, caller, d, next)
}

// pass lets r go on to next.
func (g *Guard) pass(w http.ResponseWriter, r *http.Request, caller access.Caller, d decision, next caddyhttp.Handler) error {
	r = withAwaitedBody(r)
	if g.route.Audit() == nil {
		return next.ServeHTTP(w, r)
	}
	return g.audited(w, r, caller, d, next)
}

// decision is what the guard found out about a request.
type decision struct {
	id         tokenstore.ID // the zero ID if it did not come so far
	path       string        // of the API
	outcome    string        // for the metrics
	forwarding *forwarding   // nil unless the guard forwards
	end        func()        // is called when the request is done
}

// decide makes r ready to be forwarded, or says why it must not be. The token itself is not
// kept: the transport asks for it again at the last moment, and finds it in memory.
func (g *Guard) decide(r *http.Request, caller access.Caller) (d decision, refused *problem.Problem) {
	asked := r.URL.EscapedPath()
	d.path, d.end = asked, func() {}
	if p := checkForwardable(r); p != nil {
		return d, p
	}
	id, p, ok := g.route.Resolve(r, caller)
	if !ok {
		return d, problem.UnknownConnection()
	}
	d.id = id
	pass := g.passings[p.Name()]
	if !pass.lets(r.Method) {
		return d, problem.MethodNotAllowed(pass.allow)
	}
	var host *tokenstore.Host
	if g.Forward {
		host, d.path = p.HostFor(asked)
	}
	if refused := caller.MayUse(r, access.Use{Connection: id, Method: r.Method, Path: d.path}); refused != nil {
		return d, refused
	}
	if !g.WebSocket && !p.WebSocket() && asksForWebSocket(r.Header) {
		return d, problem.WebSocketNotAllowed()
	}
	bare := g.OnError == onErrorPass
	if g.Forward {
		d.forwarding = &forwarding{id: id, provider: p, passing: pass, pass: bare, browser: caller.Browser, bounded: caller.Bounded(), asked: asked, host: host}
		if err := startForward(r, d.forwarding, d.path); err != nil {
			return d, problem.BadRequest("The path cannot be forwarded: it can be read in more than one way.")
		}
		if refused := checkTargetHeader(r, caller, d.forwarding); refused != nil {
			return d, refused
		}
	}
	if d.end, refused = g.route.Begin(r, caller, id); refused != nil {
		return d, refused
	}
	_, refused = g.route.Token(r, id, tokenstore.Want{})
	switch {
	case refused == nil:
		d.outcome = metrics.OutcomeOK
	case bare && refused.Passable():
		d.outcome, refused = metrics.OutcomePassed, nil
	}
	return d, refused
}

// checkForwardable refuses the upgrade to cleartext HTTP/2, which smuggles requests past every check (RFC 9113 gave it
// up), and handshakes of WebSockets that are none. Those over HTTP/2 and 3 are refused for their method, CONNECT: clients open them over HTTP/1.1.
func checkForwardable(r *http.Request) *problem.Problem {
	if asksFor(r.Header, "h2c") {
		return problem.BadRequest("An upgrade to h2c is not possible here.")
	}
	if asksForWebSocket(r.Header) && (r.Method != http.MethodGet || r.ContentLength != 0) {
		return problem.BadRequest("A WebSocket is opened with GET, and without a body.")
	}
	return nil
}

// stripCredentials takes off what authenticates the client here. It is none of
// the provider's business, and Caddy logs it under log_credentials.
func (g *Guard) stripCredentials(h http.Header) {
	delete(h, "Authorization")
	delete(h, "Proxy-Authorization")
	if !g.cookies {
		delete(h, "Cookie")
	}
}

var (
	_ caddy.Provisioner           = (*Guard)(nil)
	_ caddyhttp.MiddlewareHandler = (*Guard)(nil)
)
