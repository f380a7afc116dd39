package admin

import (
	"errors"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func (a *api) showRotation(w http.ResponseWriter, _ *http.Request) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, adminapi.NewRotation(store.Rotation()))
}

// rotateKey begins to seal everything under a new key, which goes on when the answer was given.
func (a *api) rotateKey(w http.ResponseWriter, r *http.Request) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	err = store.RotateKey(r.Context())
	switch {
	case err == nil:
		return answer(w, http.StatusAccepted, adminapi.NewRotation(store.Rotation()))
	case errors.Is(err, tokenstore.ErrRotationRunning), errors.Is(err, tokenstore.ErrClosed):
		return err
	case errors.Is(err, storage.ErrDamaged):
		return apiError(http.StatusServiceUnavailable, err, adminapi.KeysetUnwritable)
	}
	return apiError(http.StatusServiceUnavailable, err, "the new key could not be saved, and is not used; Caddy's log tells why")
}
