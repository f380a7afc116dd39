package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() {
	caddy.RegisterModule(Connect{})
}

// Connect serves the pages where a person gives the consent that a connection needs:
//
// - `<path>/<provider>/<connection>` tells what is about to happen and has a button to begin,
// - `<path>/callback/<provider>` is the redirect URI to register at the provider.
//
// Who may begin: a person in a browser on the server's own machine, and whoever has a login
// link, which `caddy token-store connect` makes. A consent has to be finished in the
// browser that began it. Over plain http it works for localhost, 127.0.0.1 and [::1] only.
//
// The parameter `return_to` of the first page, a path of the same site, is where the browser goes in the
// end. Requests that have a query, where codes and login links are, and those that begin a consent are left
// out of the access log; the outcome of each consent is logged instead.
type Connect struct {
	// The base path of the pages, as browsers see it. Default: `/connect`.
	Path string `json:"path,omitempty"`

	// The scheme and host that browsers reach this site by, such as `https://tokens.example.com`.
	// Default: those of the request, whose port must be the one that the server listens on. It is needed behind
	// a proxy, and where another port is mapped to the server's. Unless it names
	// localhost, nobody begins without a login link then.
	PublicURL string `json:"public_url,omitempty"`

	// Let nobody begin without a login link, not even a person on the server's own machine.
	TicketsOnly bool `json:"tickets_only,omitempty"`

	app    tokenapp.App
	site   site.Site
	public *url.URL // nil: as the request says
	store  func() (consents, error)
	log    *zap.Logger
}

// consents is what the pages need of a *tokenstore.Store.
type consents interface {
	BeginConsent(context.Context, tokenstore.ConsentRequest) (tokenstore.Consent, error)
	FinishConsent(context.Context, tokenstore.ConsentCallback) (tokenstore.FinishedConsent, error)
	CheckTicket(ctx context.Context, id tokenstore.ID, ticket string) error
	RedeemTicket(ctx context.Context, id tokenstore.ID, ticket string) error
}

// callbackSegment stands in the redirect URI where other pages have a provider.
const callbackSegment = "callback"

// CaddyModule returns the Caddy module information.
func (Connect) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_connect", New: func() caddy.Module { return new(Connect) }}
}

// Provision sets up the pages and makes them known to the app.
func (c *Connect) Provision(ctx caddy.Context) error {
	app, err := tokenapp.From(ctx)
	if err != nil {
		return err
	}
	if c.Path == "" {
		c.Path = defaultConnectPath
	}
	if !isConnectPath(c.Path) {
		return fmt.Errorf("path %q: write a plain path such as /connect, without a slash or a star at its end", c.Path)
	}
	if c.PublicURL != "" {
		expanded, err := placeholder.ReplaceAll([]string{c.PublicURL})
		if err != nil {
			return fmt.Errorf("public_url: %w", err)
		}
		if c.public, err = parsePublicURL(expanded[0]); err != nil {
			return err
		}
		// Behind a proxy, everybody's connection may come from this machine.
		c.TicketsOnly = c.TicketsOnly || !site.IsLoopbackName(c.public.Hostname())
	}
	if _, taken := app.Provider(callbackSegment); taken {
		return fmt.Errorf("a provider named %q cannot be connected, its pages would be those of the callback; rename it", callbackSegment)
	}
	c.app, c.site, c.log = app, site.Of(ctx), ctx.Logger()
	c.store = func() (consents, error) { return app.Store() }
	app.RegisterConnect(tokenapp.ConnectSite{Handler: c, Path: c.Path, PublicURL: c.publicURL()})
	return nil
}

// isConnectPath reports whether path can be the base path.
func isConnectPath(path string) bool {
	return isPlainPath(path) && !strings.HasSuffix(path, "/") && !strings.ContainsAny(path, "*{%?")
}

// parsePublicURL reads public_url.
func parsePublicURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && *u == (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		if _, ok := site.Hostname(u.Host); ok {
			return u, nil
		}
	}
	return nil, fmt.Errorf("public_url %q: write scheme and host, such as https://tokens.example.com, and nothing else", s)
}

// publicURL returns public_url without a slash at its end, "" if it is not set.
func (c *Connect) publicURL() string {
	if c.public == nil {
		return ""
	}
	return c.public.String()
}

// origin returns the scheme and host that the browser behind r sees.
func (c *Connect) origin(r *http.Request) string {
	if c.public != nil {
		return c.public.String()
	}
	return site.OriginOf(r)
}

// ServeHTTP answers r with a page; it never calls next, and never returns an error: an error route
// could show or log the query, which is a secret here.
func (c *Connect) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	// Codes and login links come in queries, and the answer to a POST has the state in its Location.
	if r.URL.RawQuery != "" || r.Method == http.MethodPost || accesslog.CarriesKey(r) {
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	}
	page := c.answer(w, r)
	page.write(w)
	return nil
}

// answer picks the page for r.
func (c *Connect) answer(w http.ResponseWriter, r *http.Request) page {
	if !c.namesSite(r) {
		return errorPage(http.StatusMisdirectedRequest, "Wrong address", "This site is not known by the name in your browser's address bar.")
	}
	if c.public == nil && !site.NamesPort(r) {
		// The redirect URI would send the code to whoever listens there: authorization servers
		// let any port of localhost pass (RFC 8252 section 7.3).
		return errorPage(http.StatusMisdirectedRequest, "Another port", "The port in your browser's address bar is not the one that the server listens on. If it is mapped, whoever runs the server has to set public_url.")
	}
	if u, err := url.Parse(c.origin(r)); err != nil || u.Scheme == "http" && !site.IsLoopbackName(u.Hostname()) {
		return errorPage(http.StatusForbidden, "Not over plain http", "Connecting an account over plain http works on the server's own machine only, as localhost. Use https.")
	}
	first, second, ok := c.segments(r)
	switch {
	case !ok:
		return notFoundPage(c.Path)
	case first == callbackSegment:
		return c.callback(w, r, second)
	}
	id := tokenstore.ID{Provider: first, Name: second}
	provider, ok := c.app.Provider(first)
	switch {
	case !ok:
		return noProviderPage()
	case id.Validate() != nil:
		return notFoundPage(c.Path)
	}
	return c.begin(w, r, id, provider)
}

// namesSite reports whether the Host of r is this site's.
func (c *Connect) namesSite(r *http.Request) bool {
	_, ours := c.site.Names(r)
	return ours || c.public != nil && strings.EqualFold(r.Host, c.public.Host)
}

// segments returns the two path segments below the base path. The path counts as it
// arrived: the pages' links and the redirect URI are in the browser's terms.
func (c *Connect) segments(r *http.Request) (first, second string, ok bool) {
	rest, below := strings.CutPrefix(site.ArrivedURL(r).EscapedPath(), c.Path+"/")
	first, second, two := strings.Cut(rest, "/")
	if !below || !two {
		return "", "", false
	}
	var errs [2]error
	first, errs[0] = url.PathUnescape(first)
	second, errs[1] = url.PathUnescape(second)
	return first, second, errors.Join(errs[:]...) == nil
}

var (
	_ caddy.Provisioner           = (*Connect)(nil)
	_ caddyhttp.MiddlewareHandler = (*Connect)(nil)
)
