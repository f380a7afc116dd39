package admin

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// The size of a page of connections.
const (
	defaultPage = 100
	maxPage     = 1000
)

func (a *api) listConnections(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	provider := query.Get("provider")
	if provider != "" {
		if err := tokenstore.ValidateProviderName(provider); err != nil {
			return err
		}
	}
	limit, err := pageLimit(query.Get("limit"))
	if err != nil {
		return err
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	list, next, err := store.List(r.Context(), provider, query.Get("after"), limit)
	page := adminapi.Connections{Connections: make([]adminapi.Connection, 0, len(list)), Next: next}
	switch {
	case errors.Is(err, storage.ErrDamaged):
		page.Incomplete = adminapi.Incomplete
	case err != nil:
		return err
	}
	for _, s := range list {
		page.Connections = append(page.Connections, adminapi.NewConnection(s))
	}
	return answer(w, http.StatusOK, page)
}

func pageLimit(s string) (int, error) {
	if s == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(s)
	if err != nil || limit < 1 || limit > maxPage {
		return 0, apiError(http.StatusBadRequest, err, "the limit is not a number from 1 to "+strconv.Itoa(maxPage))
	}
	return limit, nil
}

func (a *api) showConnection(w http.ResponseWriter, r *http.Request, id tokenstore.ID) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	err = answerStatus(w, r, store, id)
	if errors.Is(err, tokenstore.ErrNotFound) {
		return answerAbsent(w) // asking whether there is one is no error, and Caddy would log it as one
	}
	return err
}

func (a *api) refreshConnection(w http.ResponseWriter, r *http.Request, id tokenstore.ID) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	if _, err := store.Refresh(r.Context(), id); err != nil {
		return err
	}
	return answerStatus(w, r, store, id)
}

func (a *api) deleteConnection(w http.ResponseWriter, r *http.Request, id tokenstore.ID) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	if err := store.Delete(r.Context(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func answerStatus(w http.ResponseWriter, r *http.Request, store *tokenstore.Store, id tokenstore.ID) error {
	status, err := store.Status(r.Context(), id)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, adminapi.NewConnection(status))
}
