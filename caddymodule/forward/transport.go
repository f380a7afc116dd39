package forward

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() { caddy.RegisterModule(new(Transport)) }

// Bounds of replay_buffer, in bytes.
const (
	defaultReplayBuffer = 64 << 10
	maxReplayBuffer     = 16 << 20
)

// idleConnsPerHost replaces Caddy's default of 32. All requests go to one or two
// hosts, and beyond 32 busy clients new TLS handshakes would cost more than everything else.
const idleConnsPerHost = 1024

// Transport is a transport of `reverse_proxy` that attaches the access token of a
// connection to each request. It has all settings of the `http` transport.
//
// The token is attached to a copy of the request, after everything else in Caddy
// has seen the request, so that no log, template or error route can show it. It is
// sent only to the hosts of the connection's provider. If the API answers 401, the
// token is refreshed and the request sent once more.
//
// It connects to public addresses only, whatever a host's name stands for, unless the provider is `private` or its URL has an IP address or
// `localhost` for a host. With `network_proxy` the proxy connects, and has to see to that. HTTP/3, and placeholders in
// the server name for TLS, are not to be had.
//
// Of the headers of requests and answers, those pass that are listed: by default, by the provider and by the guard. Cookies and
// CORS headers of an API are not among them, and of trailers those of `pass_trailers` pass. An answer with the token in a
// header is withheld; with `scrub_body`, the token is blanked out of bodies.
//
// Requests are forwarded only if a `token_guard` handler with `forward` let them
// pass before. The directive `token_proxy` makes the two handlers.
type Transport struct {
	*reverseproxy.HTTPTransport

	// The connection whose token active health checks are sent with, such as
	// `dropbox-demo/auth`; no placeholders. For other requests the guard decides.
	Connection string `json:"connection,omitempty"`

	// The provider of all requests, such as `dropbox-demo`. Upstreams that are written out have to be among its
	// hosts. Default: that of `connection`, or else any.
	Provider string `json:"provider,omitempty"`

	// How many bytes of a request body are kept, so that the request can be sent
	// again with a new token when the API answers 401. Bodies are never read
	// ahead; of a longer one the 401 is passed on, and the next request has the new
	// token. 0 keeps nothing. At most 16 MiB. Default: `65536` (64 KiB).
	ReplayBuffer *int64 `json:"replay_buffer,omitempty"`

	// Blank the token out of the bodies of answers that are text, as they stream: plain, in base64, and with the escapes
	// of URLs and JSON. Requests go out without `Range` and with `Accept-Encoding: identity`; an answer that is
	// compressed all the same is refused. Default: bodies are passed on as they are.
	ScrubBody bool `json:"scrub_body,omitempty"`

	// Turn a `Location` or `Content-Location` at one of the provider's hosts into a path of the route, so that a client that follows it
	// comes back through the route and gets the token there too. Default: they are passed on as they are.
	RewriteRedirects bool `json:"rewrite_redirects,omitempty"`

	// Trailers of answers to pass on, such as `grpc-status` and `grpc-message`. Default: none.
	PassTrailers []string `json:"pass_trailers,omitempty"`

	app      tokenapp.App
	store    func() (tokenSource, error) // asked at each request: it opens after handlers are provisioned
	metrics  func() *metrics.Metrics
	logger   *zap.Logger
	trailers trailerSet
	shaping  bool // there is something for shape to do
	replay   int
	id       tokenstore.ID        // of Connection
	provider *tokenstore.Provider // of Connection
	known    *tokenstore.Provider // of all requests, nil if that is not known before there is one
	passing  *passing             // of health checks
}

// CaddyModule returns the Caddy module information.
func (*Transport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.reverse_proxy.transport.token_store",
		New: func() caddy.Module { return &Transport{HTTPTransport: new(reverseproxy.HTTPTransport)} },
	}
}

// Provision sets up the transport. It refuses settings under which a token could go
// to somebody else than the provider.
func (t *Transport) Provision(ctx caddy.Context) error {
	t.logger = ctx.Logger()
	app, err := tokenapp.From(ctx)
	if err != nil {
		return err
	}
	t.app = app
	t.store = func() (tokenSource, error) { return t.app.Store() }
	t.metrics = t.app.Metrics
	if err := errors.Join(t.provisionConnection(), t.provisionLimits(), t.checkSafety()); err != nil {
		return err
	}
	return errors.Join(t.checkProxy(ctx), t.provisionHTTP(ctx))
}

func (t *Transport) provisionLimits() error {
	t.replay = defaultReplayBuffer
	if t.ReplayBuffer != nil {
		if *t.ReplayBuffer < 0 || *t.ReplayBuffer > maxReplayBuffer {
			return fmt.Errorf("replay_buffer: %d is not between 0 and %d bytes", *t.ReplayBuffer, maxReplayBuffer)
		}
		t.replay = int(*t.ReplayBuffer)
	}
	t.trailers = newTrailerSet(t.PassTrailers)
	t.shaping = t.shapes()
	return checkPassTrailers(t.PassTrailers)
}

func (t *Transport) checkSafety() error {
	var problems []error
	if t.TLS != nil && t.TLS.InsecureSkipVerify {
		problems = append(problems, errors.New("tls insecure_skip_verify: whoever sits on the line would get the token; trust the API's CA with tls_trust_pool instead"))
	}
	if t.ProxyProtocol != "" {
		problems = append(problems, errors.New("proxy_protocol: no API takes it, and it hides where a request goes"))
	}
	return errors.Join(append(problems, t.checkDialing())...)
}

func (t *Transport) provisionHTTP(ctx caddy.Context) error {
	// Always there: each request's scheme is the one of its provider's host.
	if t.TLS == nil {
		t.TLS = new(reverseproxy.TLSConfig)
	}
	if t.KeepAlive == nil {
		t.KeepAlive = new(reverseproxy.KeepAlive)
	}
	if t.KeepAlive.MaxIdleConnsPerHost == 0 {
		t.KeepAlive.MaxIdleConnsPerHost = idleConnsPerHost
	}
	if t.ExpectContinueTimeout == 0 {
		t.ExpectContinueTimeout = caddy.Duration(defaultExpectContinue)
	}
	direct := t.direct() // Caddy fills in fields
	if err := t.HTTPTransport.Provision(ctx); err != nil {
		return err
	}
	if direct {
		// Without this, HTTP_PROXY in Caddy's environment would move where tokens go.
		t.HTTPTransport.Transport.Proxy = nil
		return t.guardDials()
	}
	return nil
}

// RequestHeaderOps implements reverseproxy.RequestHeaderOpsTransport. There are
// none: RoundTrip sets the Host header, for http upstreams too, which is cheaper and
// which no header_up can undo.
func (*Transport) RequestHeaderOps() *headers.HeaderOps { return nil }

// OverrideHealthCheckScheme implements
// reverseproxy.HealthCheckSchemeOverriderTransport: the scheme is the one of the provider's host.
func (t *Transport) OverrideHealthCheckScheme(base *url.URL, port string) {
	if t.provider != nil {
		if host, ok := hostAt(t.provider, "", base.Host); ok {
			base.Scheme = host.URL.Scheme
			return
		}
	}
	t.HTTPTransport.OverrideHealthCheckScheme(base, port)
}

// Interface guards
var (
	_ caddy.Provisioner                                = (*Transport)(nil)
	_ caddy.CleanerUpper                               = (*Transport)(nil)
	_ http.RoundTripper                                = (*Transport)(nil)
	_ reverseproxy.TLSTransport                        = (*Transport)(nil)
	_ reverseproxy.H2CTransport                        = (*Transport)(nil)
	_ reverseproxy.ProxyProtocolTransport              = (*Transport)(nil)
	_ reverseproxy.HealthCheckSchemeOverriderTransport = (*Transport)(nil)
	_ reverseproxy.RequestHeaderOpsTransport           = (*Transport)(nil)
)
