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

// gate is an Access that is ready for use.
type gate struct {
	rules rules
	cors  *corsPolicy // nil: no pages
	site  site.Site
}

// newGate validates a and warns of what is allowed but hardly meant.
func newGate(a Access, defaults CORS, s site.Site, keys func() (keyring, error), log *zap.Logger) (*gate, error) {
	allow := a.Allow
	if allow == nil {
		allow = &Allow{Local: true}
	}
	known, errRules := newRules(*allow, keys, log)
	if errRules == nil && !known.any() && len(allow.Origins) == 0 {
		errRules = errors.New("allow: nobody is allowed; use allow local, allow local uid <user>, allow origin <origin>, allow key <name>, allow user <id>, allow jwt <issuer> or allow anyone")
	}
	if a.CORS != nil && len(allow.Origins) == 0 {
		return nil, errors.Join(errRules, errors.New("cors: no page may use the route; add allow origin <origin>, or take cors away"))
	}
	origins, err := placeholder.ReplaceAll(allow.Origins)
	if err != nil {
		return nil, errors.Join(errRules, fmt.Errorf("allow origin: %w", err))
	}
	policy, err := newCORSPolicy(origins, a.CORS.or(defaults))
	if err != nil {
		err = fmt.Errorf("allow: %w", err)
	}
	if err := errors.Join(errRules, err); err != nil {
		return nil, err
	}
	g := &gate{rules: known, cors: policy, site: s}
	g.warn(log)
	return g, nil
}

func (g *gate) warn(log *zap.Logger) {
	everyPage := g.cors.allows("https://anybody.invalid")
	switch {
	case everyPage && g.rules.identifyPages():
		log.Warn("allow origin * lets every web page use this connection that has what the other rules ask for; name the origins of your own pages")
	case everyPage:
		log.Warn("allow origin * lets every web page use this connection; name the origins of your own pages")
	}
	if g.cors != nil && g.site.Exposed && !g.rules.identifyPages() {
		log.Warn("allow origin tells pages apart, not people: whoever can reach this server can send any Origin; bind it to 127.0.0.1, add allow key, allow user or allow jwt, or put authentication before this route")
	}
	if g.rules.anyone {
		log.Warn("allow anyone lets every program that can reach this server use this connection")
	}
}

// admit is Route.Admit.
func (g *gate) admit(w http.ResponseWriter, r *http.Request) (c Caller, p *problem.Problem, ok bool) {
	caching.VaryOn(w.Header(), "Origin")
	c = callerOf(r)
	if p := g.checkPlace(&c, r); p != nil {
		p.Write(w)
		return c, p, false
	}
	if c.Browser { // before it is known who it is: an allowed page may read why it is refused
		g.speakCORS(w, r)
	}
	if isPreflight(r) {
		return c, nil, false
	}
	if p := g.checkIdentity(&c, r); p != nil {
		p.Write(w)
		return c, p, false
	}
	if !c.Browser {
		g.speakCORS(w, r)
	}
	return c, nil, true
}

// speakCORS sets the headers of CORS, and answers a preflight.
func (g *gate) speakCORS(w http.ResponseWriter, r *http.Request) {
	if g.cors == nil {
		return
	}
	vary := w.Header()["Vary"]
	g.cors.handler.ServeHTTP(w, r)
	w.Header()["Vary"] = vary // with Origin once, not twice
}

// checkPlace returns why r is refused for where it comes from and where it goes to, nil if it is not.
func (g *gate) checkPlace(c *Caller, r *http.Request) *problem.Problem {
	if c.Browser {
		if p := g.checkPage(*c, r); p != nil {
			return p
		}
		if isPreflight(r) || !g.rules.identifyPages() {
			c.kind = callerPage
		}
	}
	loopback, named := g.site.Names(r)
	if !named {
		return problem.WrongHost()
	}
	// A browser that was sent to localhost sits on this machine. So does a
	// program, unless it lies about the name to use rules that were made for pages.
	if loopback && !c.local && c.kind == callerPage {
		return problem.CallerNotAllowed("A request for localhost has to come from this machine itself, not through a proxy or a tunnel.")
	}
	return nil
}

// checkIdentity finds out by which rule the caller may use the route, if it is no page of which the origin is
// enough.
func (g *gate) checkIdentity(c *Caller, r *http.Request) *problem.Problem {
	if c.kind == callerPage {
		return nil
	}
	return g.rules.identify(c, r, g.cors != nil)
}

// checkPage requires an allowed origin of whatever a browser sends: also of requests
// that need no preflight, and of navigations and images, which have no Origin at all.
func (g *gate) checkPage(c Caller, r *http.Request) *problem.Problem {
	if g.cors.allows(c.originOf(r)) {
		return nil
	}
	return problem.OriginNotAllowed()
}
