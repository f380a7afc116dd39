package connect

import (
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/query"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/site"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// begin serves the page of a connection: GET explains and changes nothing, POST begins the consent.
func (c *Connect) begin(w http.ResponseWriter, r *http.Request, id tokenstore.ID, p *tokenstore.Provider) page {
	if p.Grant() != tokenstore.GrantAuthorizationCode {
		return errorPage(http.StatusBadRequest, "Nothing to connect", "Connections of this provider need nobody's consent.")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return c.explain(r, id, p)
	case http.MethodPost:
		return c.start(w, r, id)
	}
	return methodPage("GET, HEAD, POST")
}

// explain shows who asks for what.
func (c *Connect) explain(r *http.Request, id tokenstore.ID, p *tokenstore.Provider) page {
	params, ok := query.Single(r.URL.RawQuery, "ticket", "return_to")
	if !ok {
		return badQueryPage()
	}
	if refusal := c.mayBegin(r, id, params["ticket"]); refusal != nil {
		return *refusal
	}
	if to := params["return_to"]; to != "" && !isReturnTo(to) {
		return badReturnPage()
	}
	asked := consentView{
		Site: c.origin(r), Provider: id.Provider, Connection: id.Name, Scopes: p.Scopes(),
		Server: originOfURL(p.AuthorizeURL()), RedirectURI: c.redirectURI(r, id.Provider),
		// Without the query: a login link must not get into the next URL too.
		Action: site.ArrivedURL(r).EscapedPath(), Ticket: params["ticket"], ReturnTo: params["return_to"],
	}
	return page{status: http.StatusOK, name: "consent", data: asked}
}

// start begins the consent and sends the browser to the authorization server.
func (c *Connect) start(w http.ResponseWriter, r *http.Request, id tokenstore.ID) page {
	if !c.sameOrigin(r) {
		return errorPage(http.StatusForbidden, "Not from here", "Open the page of the connection at "+c.origin(r)+" and press its button: nobody else may begin this for you.")
	}
	form, ok := readForm(r, "ticket", "return_to")
	if !ok {
		return badQueryPage()
	}
	if to := form["return_to"]; to != "" && !isReturnTo(to) {
		return badReturnPage()
	}
	if refusal := c.mayBegin(r, id, form["ticket"]); refusal != nil {
		return *refusal
	}
	store, err := c.store()
	if err != nil {
		return c.failed("open the store", id, err)
	}
	if ticket := form["ticket"]; ticket != "" {
		if err := store.RedeemTicket(r.Context(), id, ticket); err != nil {
			return c.unproven("redeem a login link", id, err)
		}
	}
	consent, err := store.BeginConsent(r.Context(), tokenstore.ConsentRequest{
		ID: id, RedirectURI: c.redirectURI(r, id.Provider), ReturnTo: form["return_to"],
	})
	if err != nil {
		return c.failed("begin", id, err)
	}
	cookie, ok := c.bindingCookie(r, consent)
	if !ok {
		return internalPage()
	}
	http.SetCookie(w, cookie)
	c.log.Info("consent begun", zap.Stringer("connection", id), zap.Bool("login_link", form["ticket"] != ""))
	return page{status: http.StatusSeeOther, location: consent.URL}
}

// mayBegin returns why r may not begin the consent of id, nil if it may.
func (c *Connect) mayBegin(r *http.Request, id tokenstore.ID, ticket string) *page {
	if ticket == "" {
		if !c.TicketsOnly && access.IsLocal(r) {
			return nil
		}
		return &page{status: http.StatusForbidden, name: "error", data: errorView{
			Title:   "A login link is needed",
			Text:    "Connecting an account from here takes a login link. Whoever runs the server gets one with this command:",
			Command: "caddy token-store connect " + id.String(),
		}}
	}
	store, err := c.store()
	if err == nil {
		err = store.CheckTicket(r.Context(), id, ticket)
	}
	if err != nil {
		refusal := c.unproven("check a login link", id, err)
		return &refusal
	}
	return nil
}

// redirectURI is distinct for each provider, so that a code that one
// authorization server issued is never taken for another's (RFC 9700 section 4.4).
func (c *Connect) redirectURI(r *http.Request, provider string) string {
	return c.origin(r) + c.Path + "/" + callbackSegment + "/" + provider
}

// sameOrigin reports whether a page of this very site sent r. What browsers say
// about that must all agree, and at least one thing must have been said.
func (c *Connect) sameOrigin(r *http.Request) bool {
	origins, site := r.Header["Origin"], r.Header.Get("Sec-Fetch-Site")
	if len(origins) > 1 || len(origins) == 1 && origins[0] != c.origin(r) {
		return false
	}
	return site == "same-origin" || site == "" && len(origins) == 1
}

// originOfURL returns scheme://host of an absolute URL.
func originOfURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
