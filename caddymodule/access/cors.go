package access

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/jub0bs/cors"
	"github.com/jub0bs/cors/cfgerrors"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/methods"
)

// CORS says what pages of the allowed origins may send and read. What is left
// out has a default that suits the route.
type CORS struct {
	// The request headers that a page may send, in place of the default list. `*` stands for all but
	// Authorization, which has to be listed by its name.
	AllowHeaders []string `json:"allow_headers,omitempty"`
	// The methods that a page may use, in place of the default list. GET, HEAD and
	// POST are always among them as far as CORS goes. `*` stands for all.
	AllowMethods []string `json:"allow_methods,omitempty"`
	// The response headers that a page may read, in place of the default list. `*` stands for all.
	ExposeHeaders []string `json:"expose_headers,omitempty"`
	// For how long a browser may remember the answer to a preflight, at most `10m`.
	// Default: `10m`.
	MaxAge caddy.Duration `json:"max_age,omitempty"`
}

// maxPreflightAge bounds how long a withdrawn permission lives on in browsers.
const maxPreflightAge = 10 * time.Minute

// EndpointCORS is what the page of a client needs that fetches a token.
func EndpointCORS() CORS {
	return CORS{
		AllowHeaders:  []string{"Accept", "Authorization", "Cache-Control", "Content-Type", accesslog.KeyHeader, "X-Requested-With"},
		AllowMethods:  []string{http.MethodGet, http.MethodPost},
		ExposeHeaders: []string{"Retry-After"},
	}
}

// ProxyCORS is what a page may send and read through a route that forwards: what goes on, by these filters of its requests,
// and all that comes back. Without a filter it is what goes on to every API. If a filter lists beginnings of names too,
// CORS lets pass all names, and the filter only its own.
func ProxyCORS(requests ...*headers.Filter) CORS {
	if len(requests) == 0 {
		requests = append(requests, headers.Rules{}.RequestFilter())
	}
	allowed := []string{"Authorization", accesslog.KeyHeader}
	for _, f := range requests {
		names, whole := f.Names()
		if !whole {
			allowed = []string{"Authorization", accesslog.KeyHeader, "*"}
			break
		}
		allowed = append(allowed, slices.DeleteFunc(names, ofBrowser)...)
	}
	slices.Sort(allowed)
	return CORS{
		AllowHeaders:  slices.Compact(allowed),
		AllowMethods:  methods.Standard(),
		ExposeHeaders: []string{"*"},
	}
}

// ofBrowser reports whether a request header, by its canonical name, is one that a page cannot set (Fetch
// standard, "forbidden request-header").
func ofBrowser(name string) bool {
	switch name {
	case "Accept-Charset", "Accept-Encoding", "Connection", "Content-Length", "Cookie", "Cookie2", "Date", "Dnt", "Expect", "Host", "Keep-Alive",
		"Origin", "Referer", "Set-Cookie", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via":
		return true
	}
	return strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "Sec-")
}

// or fills what c leaves out from d. c may be nil.
func (c *CORS) or(d CORS) CORS {
	if c == nil {
		return d
	}
	if len(c.AllowHeaders) > 0 {
		d.AllowHeaders = c.AllowHeaders
	}
	if len(c.AllowMethods) > 0 {
		d.AllowMethods = c.AllowMethods
	}
	if len(c.ExposeHeaders) > 0 {
		d.ExposeHeaders = c.ExposeHeaders
	}
	d.MaxAge = c.MaxAge
	return d
}

// corsPolicy speaks CORS for the allowed origins. It refuses nobody: CORS asks
// browsers to hide an answer, and a request without a preflight has had its effect by then.
type corsPolicy struct {
	handler http.Handler
}

// newCORSPolicy returns nil if there are no origins.
func newCORSPolicy(origins []string, c CORS) (*corsPolicy, error) {
	if len(origins) == 0 {
		return nil, nil
	}
	var problems []error
	for _, origin := range origins {
		problems = append(problems, checkOriginPattern(origin))
	}
	maxAge := time.Duration(c.MaxAge)
	if maxAge == 0 {
		maxAge = maxPreflightAge
	}
	if maxAge < time.Second || maxAge > maxPreflightAge {
		problems = append(problems, fmt.Errorf("max_age %s: use 1s to %s", maxAge, maxPreflightAge))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	middleware, err := cors.NewMiddleware(cors.Config{
		Origins:         origins,
		Methods:         c.AllowMethods,
		RequestHeaders:  c.AllowHeaders,
		ResponseHeaders: c.ExposeHeaders,
		MaxAgeInSeconds: int(maxAge / time.Second),
	})
	if err != nil {
		return nil, err
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return &corsPolicy{handler: middleware.Wrap(nothing)}, nil
}

// checkOriginPattern returns what is wrong with an origin in the configuration.
func checkOriginPattern(pattern string) error {
	if pattern == "null" {
		return errors.New(`origin null cannot be allowed: every sandboxed frame of every page has it`)
	}
	var incompatible *cfgerrors.IncompatibleOriginPatternError
	_, err := cors.NewMiddleware(cors.Config{
		Origins: []string{pattern},
		// The strict rules are those for credentialed access; who has the token
		// has more than that.
		Credentialed:                       pattern != "*",
		DangerouslyTolerateInsecureOrigins: true,
	})
	switch {
	case errors.As(err, &incompatible):
		return fmt.Errorf("origin %q lets anybody in who registers a name below that public suffix; name your own domain", pattern)
	case err != nil || strings.HasPrefix(pattern, "file:"):
		return fmt.Errorf("%q is no origin; write scheme://host or scheme://host:port in lower case, without a path and without the scheme's own port, such as https://app.example.com, http://localhost:5173 or https://*.example.com", pattern)
	}
	return nil
}

// allows reports whether origin is one of the policy's. p may be nil.
func (p *corsPolicy) allows(origin string) bool {
	if p == nil || !isOrigin(origin) {
		return false
	}
	probe := headerOnly{}
	p.handler.ServeHTTP(probe, &http.Request{Method: http.MethodGet, Header: http.Header{"Origin": {origin}}})
	return len(probe["Access-Control-Allow-Origin"]) > 0
}

// headerOnly is a response of which only the header is of interest.
type headerOnly http.Header

func (h headerOnly) Header() http.Header       { return http.Header(h) }
func (headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (headerOnly) WriteHeader(int)             {}

// isPreflight reports whether r asks for permission only (Fetch standard,
// "CORS-preflight request").
func isPreflight(r *http.Request) bool {
	_, asks := r.Header["Access-Control-Request-Method"]
	return asks && r.Method == http.MethodOptions && len(r.Header["Origin"]) > 0
}
