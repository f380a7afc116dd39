package forward

import (
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// provisionConnection looks up what is known of the requests before there is one.
func (t *Transport) provisionConnection() error {
	if t.Connection != "" {
		if err := t.provisionChecks(); err != nil {
			return err
		}
	}
	t.known = t.provider
	if t.Provider != "" {
		var ok bool
		if t.known, ok = t.app.Provider(t.Provider); !ok {
			return fmt.Errorf("provider: token_store has no provider %q", t.Provider)
		}
	}
	return nil
}

// provisionChecks is for health checks.
func (t *Transport) provisionChecks() error {
	if placeholder.In(t.Connection) {
		return fmt.Errorf("connection %s: health checks have no request that placeholders could be about; leave it out", t.Connection)
	}
	id, err := tokenstore.ParseID(t.Connection)
	if err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	provider, ok := t.app.Provider(id.Provider)
	if !ok {
		return fmt.Errorf("connection %s: token_store has no provider %q", id, id.Provider)
	}
	t.id, t.provider = id, provider
	t.passing = new(Passage).newPassing(provider)
	return nil
}
