package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(new(Forwarder)) }

// Forwarder sends a request that a `token_guard` with `forward` let pass to the API, and passes the answer on. It
// is what `token_proxy` uses unless it is given something that only `reverse_proxy` can do: upstreams,
// load balancing, health checks, header operations, buffers or `handle_response`. WebSockets go through
// a `reverse_proxy` of its own, and end with the configuration.
//
// It takes much less time than `reverse_proxy`, since there is one upstream, which the guard has chosen, and nothing to
// try again. Clients and APIs see no difference. For log fields and the like it has the placeholders
// `{http.reverse_proxy.*}` that mean something here: `upstream.address`, `upstream.hostport`, `upstream.host`,
// `upstream.port`, `upstream.latency`, `upstream.latency_ms`, `status_code` and `status_text`.
type Forwarder struct {
	// The transport, which has to be `token_store`.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`

	// Let the WebSockets through that the guard lets be opened. Default: only if there is a provider whose
	// preset says that its API has them.
	WebSocket bool `json:"websocket,omitempty"`

	transport *Transport
	proxy     *httputil.ReverseProxy
	sockets   *reverseproxy.Handler // nil if there are no WebSockets
	log       *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Forwarder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_forward", New: func() caddy.Module { return new(Forwarder) }}
}

// Provision sets up the forwarder.
func (f *Forwarder) Provision(ctx caddy.Context) error {
	f.log = ctx.Logger()
	if f.TransportRaw == nil {
		f.TransportRaw = json.RawMessage(`{"protocol":"token_store"}`)
	}
	loaded, err := ctx.LoadModule(f, "TransportRaw")
	if err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	transport, ok := loaded.(*Transport)
	if !ok {
		return errors.New("transport: token_forward takes the transport token_store; for any other, use reverse_proxy")
	}
	f.transport = transport
	// What it writes is that a body broke off, and what it quotes of that is the words of a failure.
	errorLog, err := zap.NewStdLogAt(f.log, zap.WarnLevel)
	if err != nil {
		return err
	}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:      rewrite,
		Transport:    f,
		ErrorHandler: keepError,
		BufferPool:   new(buffers),
		ErrorLog:     errorLog,
	}
	return f.provisionSockets(ctx)
}

// ServeHTTP sends r to the API and its answer to w.
func (f *Forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	fw := forwardingOf(r.Context())
	if fw == nil {
		return caddyhttp.Error(http.StatusBadGateway, errUnguarded)
	}
	if f.sockets != nil && asksForWebSocket(r.Header) {
		return f.serveSocket(w, r, fw, next)
	}
	x := &fw.exchange
	x.w, x.address = w, fw.host.Address
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(x.placeholder)
	}
	defer flushPartial(w)
	f.proxy.ServeHTTP(w, r)
	return statusOf(x.failed)
}

// flushPartial lets the client have what came of an answer before it broke off.
func flushPartial(w http.ResponseWriter) {
	if p := recover(); p != nil {
		_ = http.NewResponseController(w).Flush()
		panic(p) // http.ErrAbortHandler, which ends the connection or the stream
	}
}

// rewrite does to a request what reverse_proxy does beyond what it has in common with
// httputil.ReverseProxy.
func rewrite(p *httputil.ProxyRequest) {
	out := p.Out
	out.URL.RawQuery = p.In.URL.RawQuery // not parsed: an API may have its own idea of a query
	delete(out.Header, "Upgrade")
	delete(out.Header, "Connection")
	out.Header["Via"] = append(out.Header["Via"], via(p.In.ProtoMajor, p.In.ProtoMinor))
	if p.In.TLS != nil && !p.In.TLS.HandshakeComplete {
		out.Header["Early-Data"] = []string{"1"} // RFC 8470 section 5.1
	}
}

// via returns what RFC 9110 section 7.6.3 asks an intermediary to add, as reverse_proxy does.
func via(major, minor int) string {
	switch {
	case major == 1 && minor == 1:
		return "1.1 Caddy"
	case major == 2:
		return "2.0 Caddy"
	}
	return fmt.Sprintf("%d.%d Caddy", major, minor)
}

// RoundTrip is the part of the exchange with the API.
func (f *Forwarder) RoundTrip(r *http.Request) (*http.Response, error) {
	fw := forwardingOf(r.Context())
	r.URL.Scheme, r.URL.Host = fw.host.URL.Scheme, fw.host.Address
	x := &fw.exchange
	x.keepOwnHeaders(r.Context())
	started := time.Now()
	res, err := f.transport.RoundTrip(r)
	x.latency = time.Since(started)
	x.roundTripDone()
	f.tell(r, res, x.latency, err)
	if err != nil {
		return nil, err
	}
	x.status, x.statusText = res.StatusCode, res.Status
	own := x.w.Header()
	delete(own, "Server") // the API's takes its place, and Via tells about us
	own["Via"] = append(own["Via"], via(res.ProtoMajor, res.ProtoMinor))
	return res, nil
}

// keepError keeps why there is no answer, for ServeHTTP to return: Caddy's error routes answer.
func keepError(_ http.ResponseWriter, r *http.Request, err error) {
	if fw := forwardingOf(r.Context()); fw != nil {
		fw.exchange.failed = err
	}
}

// tell writes the debug log of reverse_proxy. The request in it is the one without the token.
func (f *Forwarder) tell(r *http.Request, res *http.Response, took time.Duration, err error) {
	entry := f.log.Check(zap.DebugLevel, "upstream roundtrip")
	if entry == nil {
		return
	}
	credentials := false
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok && server.Logs != nil {
		credentials = server.Logs.ShouldLogCredentials
	}
	fields := []zap.Field{
		zap.String("upstream", r.URL.Host), zap.Duration("duration", took),
		zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: credentials}),
	}
	if err != nil {
		fields = append(fields, zap.Error(err))
	} else {
		fields = append(fields, zap.Object("headers", caddyhttp.LoggableHTTPHeader{Header: res.Header, ShouldLogCredentials: credentials}),
			zap.Int("status", res.StatusCode))
	}
	entry.Write(fields...)
}

// buffers lends the buffers that bodies are copied with.
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return buf[:]
	}
	return new([32 << 10]byte)[:]
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(buf []byte) { b.pool.Put((*[32 << 10]byte)(buf)) }

var (
	_ caddy.Provisioner           = (*Forwarder)(nil)
	_ caddy.CleanerUpper          = (*Forwarder)(nil)
	_ caddyhttp.MiddlewareHandler = (*Forwarder)(nil)
	_ http.RoundTripper           = (*Forwarder)(nil)
)
