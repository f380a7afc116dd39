package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// startPatience is how long a request waits for the first configuration. Caddy's sites and its admin API answer a moment before it
// is in force, and whoever asks in that moment must not be told that there is no token store.
const startPatience = 2 * time.Second

var errNoConfiguration = errors.New("no configuration is in force")

// configured reports whether a configuration is in force.
func configured() bool { return caddy.ActiveContext().Context != nil }

// await returns when a configuration is in force, or an error for the admin API to answer with.
func (a *api) await(ctx context.Context) error {
	if a.configured() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !a.configured() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return apiError(http.StatusServiceUnavailable, errNoConfiguration,
				"Caddy has no configuration in force: it is starting, or was stopped; try again, or load one")
		}
	}
	return nil
}
