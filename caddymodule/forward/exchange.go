package forward

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// exchange is what a Forwarder knows about one request.
type exchange struct {
	w          http.ResponseWriter
	address    string
	latency    time.Duration
	status     int // 0 while there is no answer
	statusText string
	failed     error // why there is no answer

	mu   sync.Mutex
	done bool // guarded by mu: nothing but the final answer may touch w from now on
}

// keepOwnHeaders keeps interim answers (1xx) from taking the headers of w away that are there already, such
// as those of CORS: httputil.ReverseProxy clears them all.
func (x *exchange) keepOwnHeaders(ctx context.Context) {
	trace := httptrace.ContextClientTrace(ctx)
	sendOn := trace.Got1xxResponse
	trace.Got1xxResponse = func(code int, header textproto.MIMEHeader) error {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.done {
			return nil
		}
		h := x.w.Header()
		own := maps.Clone(h)
		for _, name := range hopByHop {
			delete(header, name)
		}
		err := sendOn(code, header)
		maps.Copy(h, own)
		return err
	}
}

// hopByHop are headers about one connection. Of final answers, httputil.ReverseProxy takes them away.
var hopByHop = [...]string{"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func (x *exchange) roundTripDone() {
	x.mu.Lock()
	x.done = true
	x.mu.Unlock()
}

// placeholder returns what reverse_proxy would set.
func (x *exchange) placeholder(key string) (any, bool) {
	name, ours := strings.CutPrefix(key, "http.reverse_proxy.")
	if !ours {
		return nil, false
	}
	switch name {
	case "upstream.address":
		return "tcp/" + x.address, true
	case "upstream.hostport":
		return x.address, true
	case "upstream.host", "upstream.port":
		host, port, err := net.SplitHostPort(x.address)
		if err != nil {
			return nil, false
		}
		if name == "upstream.port" {
			return port, true
		}
		return host, true
	case "upstream.latency":
		return x.latency, true
	case "upstream.latency_ms":
		return x.latency.Seconds() * 1e3, true
	}
	if x.status == 0 {
		return nil, false
	}
	switch name {
	case "status_code":
		return x.status, true
	case "status_text":
		return x.statusText, true
	}
	return nil, false
}

// statusClientClosed is what Caddy calls a request whose client went away.
const statusClientClosed = 499

// statusOf makes err one that Caddy's error routes know the status of, as reverse_proxy does.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return caddyhttp.Error(statusClientClosed, err)
	case isNet && netErr.Timeout():
		return caddyhttp.Error(http.StatusGatewayTimeout, err)
	}
	return caddyhttp.Error(http.StatusBadGateway, err)
}
