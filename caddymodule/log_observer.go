package caddymodule

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// logObserver writes what happens to Caddy's log. What goes well every hour, for each
// connection, is for debugging only; what an operator has to act on is an error.
type logObserver struct {
	logger *zap.Logger
}

func (o logObserver) Refreshed(e tokenstore.RefreshEvent) {
	fields := []zap.Field{
		zap.Stringer("connection", e.ID),
		zap.String("trigger", string(e.Trigger)),
		zap.Duration("duration", e.Duration),
		zap.Uint64("generation", e.Generation),
	}
	if e.Err == nil {
		o.logger.Debug("refreshed token", append(fields,
			zap.Time("expires_at", e.ExpiresAt), zap.Bool("rotated", e.Rotated))...)
		return
	}
	// Reason says it in a word; the error's own text may be long, and is about
	// an answer that a stranger sent.
	fields = append(fields, zap.Stringer("class", e.Class), zap.String("reason", e.Reason))
	if failure, ok := errors.AsType[*oauth.Error](e.Err); ok && failure.Refused != nil {
		o.logger.Error("could not refresh token: the authorization server must not be connected to", append(fields, zap.Error(failure.Refused))...)
		return
	}
	if e.Class == oauth.Config {
		o.logger.Error("could not refresh token: the authorization server refuses the client; "+
			"check client_id, client_secret and scopes", fields...)
		return
	}
	o.logger.Warn("could not refresh token", append(fields, zap.Error(e.Err))...)
}

func (o logObserver) ConsentNeeded(e tokenstore.ConsentEvent) {
	o.logger.Warn("connection needs consent",
		zap.Stringer("connection", e.ID), zap.String("reason", string(e.Reason)))
}

func (o logObserver) Consented(id tokenstore.ID) {
	o.logger.Info("connected", zap.Stringer("connection", id))
}

func (o logObserver) Deleted(id tokenstore.ID) {
	o.logger.Info("deleted connection", zap.Stringer("connection", id))
}

func (o logObserver) ProviderPaused(e tokenstore.PauseEvent) {
	if e.Until.IsZero() {
		o.logger.Info("provider is called again", zap.String("provider", e.Provider))
		return
	}
	fields := []zap.Field{zap.String("provider", e.Provider), zap.Time("until", e.Until), zap.String("reason", e.Reason)}
	if e.Host != "" {
		fields = append(fields, zap.String("token_host", e.Host)) // another provider may have found out
	}
	o.logger.Warn("provider is not called for now", fields...)
}

func (o logObserver) Unsaved(e tokenstore.UnsavedEvent) {
	if e.Err == nil {
		o.logger.Info("saved a token that was in memory only",
			zap.Stringer("connection", e.ID), zap.Int("still_unsaved", e.Total))
		return
	}
	o.logger.Error("could not save a token: it is in memory only and will be lost if Caddy stops; "+
		"check the disk that the database is on",
		zap.Stringer("connection", e.ID), zap.Int("unsaved", e.Total), zap.Error(e.Err))
}

// Late is for metrics: one late refresh is no news.
func (o logObserver) Late(string, time.Duration) {}

func (o logObserver) Trouble(op string, err error) {
	o.logger.Error("token store has trouble", zap.String("operation", op), zap.Error(err))
}

var _ tokenstore.Observer = logObserver{}
