package admin

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// importConnection stores a grant that was obtained elsewhere. Nothing of the body is ever
// sent back or logged.
func (a *api) importConnection(w http.ResponseWriter, r *http.Request, id tokenstore.ID) error {
	// A form of a web page cannot have this type, so that without CORS, which
	// the admin API decides, no page can import a grant of its own.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return apiError(http.StatusUnsupportedMediaType, nil, "the Content-Type of an import must be application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, adminapi.MaxGrant))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return apiError(http.StatusRequestEntityTooLarge, nil, "an import has at most 64 KiB")
	}
	if err != nil {
		return apiError(http.StatusBadRequest, nil, "the body could not be read")
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
