package tokenstore

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Token returns an access token of the connection that is valid for at least
// w.MinTTL, if its server gives such tokens at all, and else the best there is. A token that is
// valid, only not for so long, is refreshed at most once in the provider's MinRefreshInterval.
//
// A valid token that is already known is returned without I/O and without an
// allocation. Otherwise Token waits for a refresh until ctx ends; the refresh itself
// goes on without it. While the present token is valid it is returned even if its
// refresh fails.
//
// It returns an error that wraps ErrInvalidID, ErrNotFound, ErrConsentNeeded,
// ErrUnavailable, ErrMisconfigured, ErrDamagedRecord or ErrClosed, or the error of ctx.
func (s *Store) Token(ctx context.Context, id ID, w Want) (*Token, error) {
	t := s.published.get(id)
	if t == nil || !t.fresh(w.MinTTL, s.now()) {
		var err error
		if t, err = s.ask(ctx, id, ask{trigger: TriggerDemand, minTTL: w.MinTTL, create: w.Create}); err != nil {
			return nil, err
		}
	}
	if !t.noted.Load() {
		s.noteAsked(t)
	}
	return t, nil
}

// Rejected reports that the provider's API refused t, as with a status of 401,
// and returns a newer token of the connection. If the connection has one already,
// no refresh happens; and none happens within the provider's MinRefreshInterval of the last one
// (ErrUnavailable), so that callers who provoke refusals cannot hammer the server.
func (s *Store) Rejected(ctx context.Context, t *Token) (*Token, error) {
	if now := s.published.get(t.ID); now != nil && !now.Value.Equal(t.Value) && now.valid(s.now()) {
		return now, nil
	}
	return s.ask(ctx, t.ID, ask{trigger: TriggerRejected, rejected: t})
}

// Refresh gets a new token even if the present one is valid and the provider
// is paused. It is for operators; it makes a connection of a provider that
// needs nobody's consent if there is none yet. Beside Token's errors it returns the *oauth.Error
// of the attempt, wrapped.
func (s *Store) Refresh(ctx context.Context, id ID) (*Token, error) {
	return s.ask(ctx, id, ask{trigger: TriggerForced, create: true})
}

// TokenSource returns the connection as an oauth2.TokenSource, for use with
// [oauth2.NewClient] and the like. Its tokens have no refresh token. ctx bounds all calls
// of the source.
func (s *Store) TokenSource(ctx context.Context, id ID) oauth2.TokenSource {
	return tokenSource(func() (*oauth2.Token, error) {
		t, err := s.Token(ctx, id, Want{})
		if err != nil {
			return nil, err
		}
		return t.oauth2(), nil
	})
}

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

// ask is what somebody wants of a connection's flight.
type ask struct {
	trigger  Trigger
	minTTL   time.Duration
	rejected *Token
	create   bool
	place    *place // what the schedule has reserved for it
}

// ask waits for a flight that answers a. A flight that was under way may have
// been for somebody with other wishes: then its outcome is looked at, and if it will not
// do, the next flight is our own.
func (s *Store) ask(ctx context.Context, id ID, a ask) (*Token, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	for {
		fl, own, err := s.flights.join(id, job{run: func(ctx context.Context) (*Token, error) { return s.fly(ctx, id, a) }})
		if err != nil {
			return nil, err
		}
		t, err := fl.wait(ctx)
		switch {
		case ctx.Err() != nil && err != nil:
			return s.fallback(id, a, ctx.Err())
		case own && err != nil:
			return s.fallback(id, a, err)
		case own:
			return t, nil
		case fl.alone:
			// An import, a deletion, a consent: whatever came of it is not ours.
		case err == nil && t != nil && a.satisfiedBy(t, s.now()):
			return t, nil
		case err != nil && !errors.Is(err, ErrNotFound) && a.trigger == TriggerDemand:
			// The refresh that everybody waited for failed; another one now
			// would fail too.
			return s.fallback(id, a, err)
		}
	}
}

// satisfiedBy reports whether t, which came out of somebody else's flight,
// will do.
func (a ask) satisfiedBy(t *Token, now time.Time) bool {
	switch a.trigger {
	case TriggerRejected:
		return !t.Value.Equal(a.rejected.Value)
	case TriggerForced:
		return false
	default:
		return t.fresh(a.minTTL, now)
	}
}

// fallback returns the present token while it is valid, whatever happened to
// its refresh.
func (s *Store) fallback(id ID, a ask, err error) (*Token, error) {
	if a.trigger == TriggerDemand {
		present := s.published.get
		if errors.Is(err, storage.ErrUnavailable) {
			present = s.published.lastResort
		}
		if t := present(id); t != nil && t.valid(s.now()) {
			return t, nil
		}
	}
	return nil, s.explain(id, err)
}

// explain gives the failures of the storage and of flights the shape that
// callers know.
func (s *Store) explain(id ID, err error) error {
	var panicked *panicError
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrClosed):
		return err
	case errors.Is(err, storage.ErrDamaged):
		return errors.Join(ErrDamagedRecord, err)
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, storage.ErrConflict):
		return &UnavailableError{ID: id, RetryAfter: time.Second, Reason: "storage", Err: err}
	case errors.As(err, &panicked):
		s.observer().Trouble("refresh of "+id.String(), err)
		return &UnavailableError{ID: id, RetryAfter: time.Minute, Reason: "internal"}
	}
	return err
}
