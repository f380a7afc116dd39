package admin

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// ready answers 200 if the store is open and all that it knows is saved, and
// else 503. A connection that needs consent does not make it unready: no
// restart and no other instance would help.
func (a *api) ready(w http.ResponseWriter, _ *http.Request) error {
	problems := a.problems()
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusServiceUnavailable
	}
	return answer(w, status, adminapi.Readiness{Ready: len(problems) == 0, Problems: problems})
}

func (a *api) problems() []string {
	store, err := a.store()
	if known, ok := errors.AsType[caddy.APIError](err); ok {
		return []string{known.Message}
	}
	if err != nil {
		return []string{"the token store did not load; Caddy's log tells why"}
	}
	return healthProblems(store.Health())
}

// healthProblems tells no error's text: anybody who may ask for readiness gets the answer.
func healthProblems(health tokenstore.Health) (problems []string) {
	if health.Unsaved > 0 {
		problems = append(problems, "tokens are kept in memory only, because the storage does not take them; do not stop Caddy before there is room on the disk and they are saved")
	}
	if health.Storage != nil {
		problems = append(problems, "the storage failed when it was used last; Caddy's log tells why")
	}
	return problems
}

func (a *api) listProviders(w http.ResponseWriter, _ *http.Request) error {
	app, err := a.app()
	if err != nil {
		return err
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	census := store.Census()
	list := adminapi.Providers{Providers: []adminapi.Provider{}}
	for _, p := range app.AllProviders() {
		counts := make(map[string]int, len(census[p.Name()]))
		for state, n := range census[p.Name()] {
			counts[string(state)] = n
		}
		list.Providers = append(list.Providers, adminapi.Provider{
			Name: p.Name(), Preset: p.Preset(), Grant: string(p.Grant()), Connections: counts,
		})
	}
	return answer(w, http.StatusOK, list)
}
