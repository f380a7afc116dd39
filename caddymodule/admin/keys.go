package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

func (a *api) listKeys(w http.ResponseWriter, _ *http.Request) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	list := adminapi.Keys{Keys: []adminapi.Key{}}
	if store.CallerKeys().Damage() != nil {
		list.Incomplete = adminapi.Incomplete
	}
	for _, key := range store.CallerKeys().List() {
		list.Keys = append(list.Keys, adminapi.NewKey(key, a.now()))
	}
	return answer(w, http.StatusOK, list)
}

// createKey answers with the key, once: afterwards nobody has it but who asked.
func (a *api) createKey(w http.ResponseWriter, r *http.Request) error {
	body, err := readJSON(w, r, adminapi.MaxNewKey)
	if err != nil {
		return err
	}
	asked, err := adminapi.ParseKeySpec(body, a.now())
	if err != nil {
		return apiError(http.StatusBadRequest, err, err.Error())
	}
	app, err := a.app()
	if err != nil {
		return err
	}
	if err := checkConnections(app, asked.Connections); err != nil {
		return err
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	key, text, err := store.CallerKeys().Create(r.Context(), asked.Spec())
	if err != nil {
		return keyError(err, "the key could not be saved, and nobody has it; Caddy's log tells why; if it is in the list all the same, revoke it before you try again")
	}
	encoded, err := adminapi.CreatedKey{Key: adminapi.NewKey(key, a.now()), Secret: text}.Encode()
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	return answer(w, http.StatusCreated, json.RawMessage(encoded))
}

// checkConnections refuses what is misspelt: such a key would open nothing, and nobody would tell why. A
// connection need not exist yet; its provider is configured before.
func checkConnections(app tokenapp.App, connections []string) error {
	for _, pattern := range connections {
		provider, ofAll := strings.CutSuffix(pattern, "/*")
		if !ofAll {
			id, err := tokenstore.ParseID(pattern)
			if err != nil {
				return apiError(http.StatusUnprocessableEntity, err,
					fmt.Sprintf("connection %q: write provider/connection, such as dropbox-demo/auth, or provider/* for all of a provider", pattern))
			}
			provider = id.Provider
		}
		if _, known := app.Provider(provider); !known {
			return apiError(http.StatusUnprocessableEntity, nil,
				fmt.Sprintf("connection %q: its provider is not configured; correct it, or add the provider to the token_store block and reload", pattern))
		}
	}
	return nil
}

func (a *api) revokeKey(w http.ResponseWriter, r *http.Request) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	if err := store.CallerKeys().Revoke(r.Context(), r.PathValue("name")); err != nil {
		return keyError(err, "the revocation could not be saved: the key is refused for now, and would be valid again after a restart of Caddy; "+
			"Caddy's log tells why; revoke it again")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// keyError returns what is answered in place of an error of the keys; unsaved if it is of the storage.
func keyError(err error, unsaved string) error {
	switch {
	case errors.Is(err, callerkey.ErrInvalid):
		// Its text repeats what was sent, which is no secret, and tells the remedy.
		return apiError(http.StatusUnprocessableEntity, err, err.Error())
	case errors.Is(err, callerkey.ErrExists):
		return apiError(http.StatusConflict, err, callerkey.ErrExists.Error())
	case errors.Is(err, callerkey.ErrTooMany):
		return apiError(http.StatusConflict, err, callerkey.ErrTooMany.Error())
	case errors.Is(err, callerkey.ErrNotFound):
		return apiError(http.StatusNotFound, err, callerkey.ErrNotFound.Error())
	case errors.Is(err, tokenstore.ErrClosed):
		return err
	}
	return apiError(http.StatusServiceUnavailable, err, unsaved)
}
