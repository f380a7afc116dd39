package admin

import (
	"net/http"
	"net/url"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// makeLoginLink answers with the address of the consent page, and with a ticket in it, so
// that whoever is sent the link needs no account at this site.
func (a *api) makeLoginLink(w http.ResponseWriter, r *http.Request, id tokenstore.ID) error {
	app, err := a.app()
	if err != nil {
		return err
	}
	provider, ok := app.Provider(id.Provider)
	if !ok {
		return tokenstore.ErrNotFound
	}
	if provider.Grant() == tokenstore.GrantClientCredentials {
		return tokenstore.ErrNoConsent
	}
	// The request at hand came to the admin endpoint; where people reach the site it cannot tell.
	page, err := url.Parse(app.ConnectURL(nil, id))
	if err != nil || !page.IsAbs() || page.Host == "" {
		return apiError(http.StatusConflict, err,
			"the address of the consent page is not known; add token_connect to a site whose address has a host name, or set its public_url")
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	ticket, expires, err := store.IssueTicket(r.Context(), id)
	if err != nil {
		return err
	}
	query := page.Query()
	query.Set("ticket", ticket)
	page.RawQuery = query.Encode()
	return answer(w, http.StatusOK, adminapi.LoginLink{URL: page.String(), ExpiresAt: expires.UTC()})
}
