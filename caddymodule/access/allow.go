package access

import (
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/caching"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
)

// Access says who may use a route.
type Access struct {
	// Who may use the route. If it is left out, only processes of this machine may.
	Allow *Allow `json:"allow,omitempty"`
	// What pages of the allowed origins may send and read. It needs `origins` in `allow`.
	CORS *CORS `json:"cors,omitempty"`
}

// Allow lists who may use a route. One of its rules has to hold.
type Allow struct {
	// Processes of this machine: the connection comes from a loopback address or through a
	// unix socket, no proxy passed the request on, no browser sent it, and its Host
	// names the site. A template that includes the route (`httpInclude`) is no such process: whoever
	// reads the page would be.
	//
	// A proxy is recognised by the headers that it adds and by HTTP/1.0. A tunnel or a TCP proxy on this
	// machine that adds nothing (`ssh -L`, socat, HAProxy in TCP mode) cannot be told from a process of
	// this machine: where there is one, put authentication before the route.
	Local bool `json:"local,omitempty"`
	// Pages of these origins, such as `https://app.example.com`. `https://*.example.com`
	// stands for all subdomains, `http://localhost:*` for all ports, `*` for every page there is.
	// Placeholders such as `{env.APP_ORIGIN}` are replaced when the configuration is loaded.
	//
	// An origin identifies a page in a browser, not a person and not a program: whoever
	// else can reach the server can send the same header. Where that is more than this
	// machine, put authentication before the route.
	Origins []string `json:"origins,omitempty"`
}

// gate is an Access that is ready for use.
type gate struct {
	local bool
	cors  *corsPolicy // nil: no pages
	site  site.Site
}

// newGate validates a and warns of what is allowed but hardly meant.
func newGate(a Access, defaults CORS, s site.Site, log *zap.Logger) (*gate, error) {
	allow := a.Allow
	if allow == nil {
		allow = &Allow{Local: true}
	}
	if !allow.Local && len(allow.Origins) == 0 {
		return nil, errors.New("allow: nobody is allowed; use allow local or allow origin <origin>")
	}
	if a.CORS != nil && len(allow.Origins) == 0 {
		return nil, errors.New("cors: no page may use the route; add allow origin <origin>, or take cors away")
	}
	origins, err := placeholder.ReplaceAll(allow.Origins)
	if err != nil {
		return nil, fmt.Errorf("allow origin: %w", err)
	}
	policy, err := newCORSPolicy(origins, a.CORS.or(defaults))
	if err != nil {
		return nil, fmt.Errorf("allow: %w", err)
	}
	g := &gate{local: allow.Local, cors: policy, site: s}
	g.warn(log)
	return g, nil
}

func (g *gate) warn(log *zap.Logger) {
	if g.cors.allows("https://anybody.invalid") {
		log.Warn("allow origin * lets every web page use this connection; name the origins of your own pages")
	}
	if g.cors != nil && g.site.Exposed {
		log.Warn("allow origin tells pages apart, not people: whoever can reach this server can send any Origin; bind it to 127.0.0.1 or put authentication before this route")
	}
}

// admit is Route.Admit.
func (g *gate) admit(w http.ResponseWriter, r *http.Request) (c Caller, p *problem.Problem, ok bool) {
	caching.VaryOn(w.Header(), "Origin")
	c = callerOf(r)
	if p := g.check(c, r); p != nil {
		p.Write(w)
		return c, p, false
	}
	if g.cors == nil {
		return c, nil, true
	}
	vary := w.Header()["Vary"]
	g.cors.handler.ServeHTTP(w, r)
	w.Header()["Vary"] = vary // with Origin once, not twice
	return c, nil, !isPreflight(r)
}

// check returns why r is refused, nil if it is not.
func (g *gate) check(c Caller, r *http.Request) *problem.Problem {
	if p := g.checkCaller(c, r); p != nil {
		return p
	}
	loopback, named := g.site.Names(r)
	if !named {
		return problem.WrongHost()
	}
	// A browser that was sent to localhost sits on this machine. So does a
	// program, unless it lies about the name to use rules that were made for pages.
	if loopback && !c.local {
		return problem.CallerNotAllowed("A request for localhost has to come from this machine itself, not through a proxy or a tunnel.")
	}
	return nil
}

func (g *gate) checkCaller(c Caller, r *http.Request) *problem.Problem {
	if c.Browser {
		return g.checkPage(c, r)
	}
	switch {
	case g.local && c.local:
		return nil
	case g.local:
		return problem.CallerNotAllowed("Only processes on the server's own machine may use this route.")
	}
	return problem.CallerNotAllowed("Only web pages of the allowed origins may use this route.")
}

// checkPage requires an allowed origin of whatever a browser sends: also of requests
// that need no preflight, and of navigations and images, which have no Origin at all.
func (g *gate) checkPage(c Caller, r *http.Request) *problem.Problem {
	var origin string
	switch {
	case len(c.origins) == 1:
		origin = c.origins[0]
	case len(c.origins) == 0 && c.site == "same-origin":
		// Browsers leave Origin out when a page of the site itself gets something.
		origin = site.OriginOf(r)
	}
	if g.cors.allows(origin) {
		return nil
	}
	return problem.OriginNotAllowed()
}
