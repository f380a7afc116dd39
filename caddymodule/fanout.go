package caddymodule

import (
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// observers tells each of them what happens, in order.
type observers []tokenstore.Observer

func (all observers) Refreshed(e tokenstore.RefreshEvent) {
	for _, o := range all {
		o.Refreshed(e)
	}
}

func (all observers) ConsentNeeded(e tokenstore.ConsentEvent) {
	for _, o := range all {
		o.ConsentNeeded(e)
	}
}

func (all observers) Consented(id tokenstore.ID) {
	for _, o := range all {
		o.Consented(id)
	}
}

func (all observers) Deleted(id tokenstore.ID) {
	for _, o := range all {
		o.Deleted(id)
	}
}

func (all observers) ProviderPaused(e tokenstore.PauseEvent) {
	for _, o := range all {
		o.ProviderPaused(e)
	}
}

func (all observers) Unsaved(e tokenstore.UnsavedEvent) {
	for _, o := range all {
		o.Unsaved(e)
	}
}

func (all observers) Late(provider string, late time.Duration) {
	for _, o := range all {
		o.Late(provider, late)
	}
}

func (all observers) Trouble(op string, err error) {
	for _, o := range all {
		o.Trouble(op, err)
	}
}

var _ tokenstore.Observer = observers(nil)
