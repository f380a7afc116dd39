package admin

import (
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// importConnection stores a grant that was obtained elsewhere. Nothing of the body is ever
// sent back or logged.
func (a *api) importConnection(w http.ResponseWriter, r *http.Request, id tokenstore.ID) error {
	body, err := readJSON(w, r, adminapi.MaxGrant)
	if err != nil {
		return err
	}
	grant, err := adminapi.ParseGrant(body, a.now())
	if err != nil {
		return apiError(http.StatusBadRequest, err, err.Error())
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	if err := store.Import(r.Context(), id, grant.Import()); err != nil {
		return err
	}
	return answerStatus(w, r, store, id)
}
