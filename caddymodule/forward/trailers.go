package forward

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// checkPassTrailers refuses names of trailers that say where a message ends, who sends it, what it is, where it is to be had, or what a
// browser is to do: all of them have to be known before the body (RFC 9110 section 6.5.1), and some servers before us and
// behind us make headers of them.
func checkPassTrailers(names []string) error {
	for _, name := range names {
		canonical := http.CanonicalHeaderKey(name)
		if !httpguts.ValidHeaderFieldName(name) || strings.Contains(name, "*") {
			return fmt.Errorf("pass_trailer %q: this is no name of a trailer; write names such as grpc-status", name)
		}
		if !httpguts.ValidTrailerHeader(canonical) || headers.CheckResponse(canonical) != nil || neverTrailers[canonical] || hasAnyPrefix(canonical, neverTrailerPrefixes) {
			return fmt.Errorf("pass_trailer %s: this counts as a header only; leave it out", name)
		}
	}
	return nil
}

// neverTrailers and the names with neverTrailerPrefixes are those that net/http would let through.
var neverTrailers = map[string]bool{
	"Age": true, "Alt-Svc": true, "Authentication-Info": true, "Clear-Site-Data": true, "Cookie": true, "Date": true, "Expires": true, "Link": true,
	"Location": true, "Nel": true, "Refresh": true, "Report-To": true, "Reporting-Endpoints": true, "Retry-After": true, "Strict-Transport-Security": true,
	"Surrogate-Control": true, "Upgrade": true, "Vary": true, "Via": true,
}

var neverTrailerPrefixes = []string{"Access-Control-", "Content-", "Cross-Origin-", "Proxy-", "Public-Key-", "Sec-", "Service-Worker", "Set-", "X-Accel-", "X-Forwarded-", "X-Sendfile"}

func hasAnyPrefix(name string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// trailerSet has the canonical names of trailers.
type trailerSet map[string]bool

func newTrailerSet(names []string) trailerSet {
	set := make(trailerSet, len(names))
	for _, name := range names {
		set[http.CanonicalHeaderKey(name)] = true
	}
	return set
}

// passTrailers lets those trailers of the answer from go on to res that are allowed. They come behind the body.
func (t *Transport) passTrailers(res, from *http.Response, e *errand) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	res.Trailer = make(http.Header)
	for name := range from.Trailer {
		if t.trailers[name] {
			res.Trailer[name] = nil // it is announced
		}
	}
	e.body.ReadCloser = &trailerBody{ReadCloser: e.body.ReadCloser, ended: func() { t.copyTrailers(res.Trailer, from.Trailer, e) }}
}

// copyTrailers copies what is allowed. What repeats the token is left out: it is too late to withhold the answer.
func (t *Transport) copyTrailers(to, from http.Header, e *errand) {
	for name, values := range from {
		if !t.trailers[name] || len(values) == 0 {
			continue
		}
		if e.echoedIn(http.Header{name: values}) {
			t.echoed(e, metrics.EchoInTrailer)
			continue
		}
		to[name] = values
	}
}

// trailerBody tells when a body has ended.
type trailerBody struct {
	io.ReadCloser
	ended func()
}

// Read implements io.Reader.
func (b *trailerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.ended != nil {
		b.ended()
		b.ended = nil
	}
	return n, err
}
