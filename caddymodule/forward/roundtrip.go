package forward

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

// tokenSource is what the transport needs of a *tokenstore.Store.
type tokenSource interface {
	Token(ctx context.Context, id tokenstore.ID, w tokenstore.Want) (*tokenstore.Token, error)
	Rejected(ctx context.Context, t *tokenstore.Token) (*tokenstore.Token, error)
}

// errUnguarded is returned for requests that no guard let pass: to forward them would
// give everybody who reaches the route the use of the connection.
var errUnguarded = errors.New("no token_guard let this request pass: use the directive token_proxy, or put the handler token_guard with forward before reverse_proxy")

// errand is one request on its way to an API.
type errand struct {
	id       tokenstore.ID
	provider *tokenstore.Provider
	pass     bool
	guarded  *forwarding // nil in a health check
	passing  *passing
	host     *tokenstore.Host // where it goes
	token    *tokenstore.Token
	spent    *tokenstore.Token // the one before, if the API refused it
	interims int               // how many interim answers came

	// Parts of what is sent and what is passed on, in here to spare allocations.
	req  http.Request
	url  url.URL
	body answerBody
}

// RoundTrip sends r with the token of its connection. What it refuses itself it answers,
// instead of returning an error: reverse_proxy would count an error against the
// upstream's health, and a caller could take the API down for all others.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	e, err := t.errandFor(r.Context())
	if err != nil {
		return nil, errors.Join(err, closeBody(r))
	}
	res, err := t.forward(r, e)
	refused, _ := errors.AsType[*refusal](err)
	t.count(e, refused)
	if refused != nil && e.guarded != nil {
		t.logger.Warn("request is not forwarded", zap.Stringer("connection", e.id), zap.Error(refused))
		return refused.response(r), nil
	}
	return res, err
}

// errandFor says whose token a request gets. Every request that a server received has
// variables, a health check has none. (It may well have a server in its context: the one that it was
// provisioned for.)
func (t *Transport) errandFor(ctx context.Context) (*errand, error) {
	if f := forwardingOf(ctx); f != nil {
		return &errand{id: f.id, provider: f.provider, pass: f.pass, guarded: f, passing: f.passing}, nil
	}
	if ctx.Value(caddyhttp.VarsCtxKey) != nil {
		return nil, errUnguarded
	}
	if t.provider == nil {
		return nil, errors.New("a health check needs a token_store transport with a connection")
	}
	return &errand{id: t.id, provider: t.provider, passing: t.passing}, nil
}

// forward sends r, and once more if the API refuses the token.
func (t *Transport) forward(r *http.Request, e *errand) (*http.Response, error) {
	if err := t.admit(r, e); err != nil {
		return nil, errors.Join(err, closeBody(r))
	}
	out := t.outgoing(r, e)
	again := prepareReplay(out, t.replay)
	res, err := t.send(out)
	if err == nil && res.StatusCode == http.StatusUnauthorized && e.token != nil {
		res, err = t.retry(out, res, again, e)
	}
	if err != nil {
		return nil, err
	}
	// The status is in a placeholder of reverse_proxy's.
	if e.echoedIn(res.Header) || e.token != nil && echoesInText(res.Status, e.token.Value.Reveal()) {
		_ = res.Body.Close() // there is nothing to tell about it
		return nil, refuseEcho()
	}
	tameAnswer(res.Header, e.passing.response, e.guarded != nil && e.guarded.browser)
	answer := e.answered(res, r)
	if t.shaping {
		if err := t.shape(answer, res, r, e); err != nil {
			_ = res.Body.Close() // nobody is going to read it
			return nil, err
		}
	}
	return answer, nil
}

// echoedIn reports whether the token that was sent stands in h.
func (e *errand) echoedIn(h http.Header) bool {
	return e.token != nil && (echoes(h, e.token.Value.Reveal()) || e.spent != nil && echoes(h, e.spent.Value.Reveal()))
}

// answered returns res, or a copy of it, fit to be passed on to where r came from. It
// has no trailers, announced or not, unless shape adds some: they come after the headers were checked, and
// net/http would add them to the original, but where the length of an HTTP/1.1 answer leaves no room for any. Nor has it the request with the token.
func (e *errand) answered(res *http.Response, r *http.Request) *http.Response {
	if res.ProtoMajor != 1 || res.ContentLength < 0 {
		res = new(*res)
	}
	res.Trailer, res.Request = nil, r
	if res.StatusCode != http.StatusSwitchingProtocols { // its body is the connection
		e.body = answerBody{res.Body}
		res.Body = &e.body
	}
	return res
}

// send does what nobody but the transport itself does with an API: its errors are failures, or that there was no address to
// send to.
func (t *Transport) send(out *http.Request) (*http.Response, error) {
	res, err := t.HTTPTransport.RoundTrip(out)
	if refused, ok := errors.AsType[*dial.RefusedError](err); ok {
		return nil, refuseAddress(refused)
	}
	if err != nil {
		return nil, newFailure(err)
	}
	if err := checkSwitch(out, res); err != nil {
		return nil, err
	}
	return res, nil
}

// admit checks where r goes and gets the token for it.
func (t *Transport) admit(r *http.Request, e *errand) error {
	if !e.passing.lets(r.Method) {
		return refuseMethod(e.passing.allow)
	}
	var err error
	if e.url, e.host, err = destination(r, e.provider); err != nil {
		return refuseHost(err)
	}
	if f := e.guarded; f != nil && f.bounded && (r.Method != f.method || e.url.EscapedPath() != f.path) {
		return refuseRewrite()
	}
	store, err := t.storeFor(r.Context(), e)
	if err == nil {
		// Only an id that an operator wrote down may come into being by use.
		e.token, err = store.Token(r.Context(), e.id, tokenstore.Want{Create: e.id == t.id})
	}
	switch {
	case r.Context().Err() != nil:
		return r.Context().Err()
	case err == nil:
		return nil
	}
	why := problem.Of(err)
	if e.pass && (why.Passable() || errors.Is(err, tokenstore.ErrNotFound)) {
		return nil
	}
	return &refusal{problem: why, cause: err}
}

// outgoing makes the request that is sent: a copy, since reverse_proxy logs its own and
// uses it again for another try. What does not go upstream is taken from both, so that the log
// shows what was sent, but for the token.
func (t *Transport) outgoing(r *http.Request, e *errand) *http.Request {
	tameInterim(r, e)
	e.req = *r
	out := &e.req
	out.URL, out.Host = &e.url, e.url.Host
	out.Trailer = nil     // could hold an Authorization of its own
	if e.guarded != nil { // a health check has the operator's own headers
		keepListed(r.Header, e.passing.request, e.host.Inject.Header)
	}
	if t.ScrubBody {
		askForWhole(r.Header)
	}
	// An API that answers without asking for the body does not get it. On a connection that goes on, net/http would send it then.
	out.Close = len(r.Header["Expect"]) > 0
	out.Header = withRoom(r.Header)
	if e.token != nil {
		e.host.Inject.Set(out.Header, e.token)
	}
	return out
}

// closeBody ends a request that is not sent, as http.RoundTripper demands.
func closeBody(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	return r.Body.Close()
}

// count counts a client's request once, however often the load balancer tries it.
func (t *Transport) count(e *errand, refused *refusal) {
	if e.guarded == nil || e.guarded.counted {
		return
	}
	e.guarded.counted = true
	outcome := metrics.OutcomeOK
	switch {
	case refused != nil:
		outcome = refused.problem.Code
		e.guarded.refused = outcome
	case e.token == nil:
		outcome = metrics.OutcomePassed
	}
	t.metrics().Forwarded(e.id.Provider, outcome)
}

// storeFor returns the store. Health checks begin while the configuration is provisioned,
// and wait for the app's start.
func (t *Transport) storeFor(ctx context.Context, e *errand) (tokenSource, error) {
	if e.guarded == nil {
		return t.app.StartedStore(ctx)
	}
	return t.store()
}
