package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// fly is the job of a flight: what happens to a connection when somebody asks
// for its token and the published one will not do. The order is the promise:
//
//	lease → read the record → is a refresh needed at all? → the provider's turn →
//	commit the intent → call → commit the outcome → publish
//
// A crash before the intent has changed nothing. A crash behind it leaves the
// intent, and the next flight knows that the refresh token may have been used.
func (s *Store) fly(ctx context.Context, id ID, a ask) (*Token, error) {
	if a.trigger == TriggerSchedule {
		ctx = storage.Patiently(ctx)
	}
	lease, err := s.backend.Lease(ctx, connectionKey(id))
	if err != nil {
		return nil, err
	}
	defer lease.Release()

	p, known := s.Provider(id.Provider)
	if !known {
		return nil, fmt.Errorf("connection %s: provider %q is not configured: %w", id, id.Provider, ErrNotFound)
	}
	// Should the storage still refuse it, the record in memory serves.
	_ = s.saveKept(ctx, id)
	st, err := s.records.load(ctx, id)
	if errors.Is(err, ErrNotFound) && a.create && p.grant == GrantClientCredentials {
		st, err = s.newConnection(id, p), nil
	}
	if err != nil {
		return nil, err
	}
	if st.damaged != nil {
		return nil, st.damaged
	}
	if t, done, err := s.settle(ctx, st, p, a); done {
		return t, err
	}
	if err := st.writable(); err != nil {
		s.observer().Refreshed(RefreshEvent{ID: id, Trigger: a.trigger, Generation: st.Generation, Err: err, Reason: "storage"})
		return nil, err
	}
	return s.refresh(ctx, st, p, a)
}

// refresh gets the connection's next token. At most two calls are made: if
// the outcome of the first one is unknown, the refresh token is sent once more, at
// once, while a server that allows for lost answers still takes it.
func (s *Store) refresh(ctx context.Context, st *stored, p *Provider, a ask) (*Token, error) {
	pc := s.pace(p)
	if a.trigger != TriggerForced {
		leave, err := pc.admit(st.id, s.now())
		if err != nil {
			return nil, err
		}
		// Even after a panic, or else the provider would never be called again.
		defer func() {
			if leave() {
				s.schedule.wake()
			}
		}()
	}
	queueing, called := s.flights.queueing(ctx)
	taken, err := pc.enter(queueing, a.place)
	called()
	if err != nil && errors.Is(context.Cause(queueing), ErrClosed) {
		return nil, ErrClosed
	}
	if err != nil {
		return nil, &UnavailableError{ID: st.id, RetryAfter: time.Second, Reason: "busy", Err: err}
	}
	defer taken.exit()

	if st.Intent != nil {
		a.trigger = TriggerRecovery
	}
	for {
		inDoubt := st.Intent != nil
		if err := s.commitIntent(ctx, st); err != nil {
			s.observer().Refreshed(RefreshEvent{ID: st.id, Trigger: a.trigger, Generation: st.Generation, Err: err, Reason: "storage"})
			return nil, err
		}
		taken.begins()
		started := time.Now() // the monotonic clock
		answer, err := s.call(ctx, p, st)
		took := time.Since(started)
		if err == nil {
			return s.succeed(ctx, st, p, a, answer, took)
		}
		failure := asFailure(err)
		if failure.Class == oauth.Unknown && !inDoubt && !deliveredGrant(failure) && ctx.Err() == nil {
			s.observer().Refreshed(failedEvent(st, a, failure, took))
			a.trigger = TriggerRecovery
			continue
		}
		return s.fail(ctx, st, p, a, failure, inDoubt, took)
	}
}

// commitIntent makes it durable that the refresh token is about to be sent. This also
// proves that the storage takes writes before the refresh token is spent.
func (s *Store) commitIntent(ctx context.Context, st *stored) error {
	before, dueBefore := st.Intent, st.due
	next := intent{At: s.now(), Attempts: 1}
	if before != nil {
		next.Attempts = before.Attempts + 1
	}
	st.Intent = &next
	// Due at once, if it is not already: whoever starts after a crash finds it first.
	if st.due.IsZero() || st.due.After(next.At) {
		st.due = next.At
	}
	if err := s.records.save(ctx, st); err != nil {
		st.Intent, st.due = before, dueBefore
		return err
	}
	s.published.advance(st.id, st.revision)
	return nil
}

// call is the conversation with the authorization server.
func (s *Store) call(ctx context.Context, p *Provider, st *stored) (*oauth.Answer, error) {
	if p.grant == GrantClientCredentials {
		return s.client.ClientCredentials(ctx, &p.endpoint)
	}
	return s.client.Refresh(ctx, &p.endpoint, st.RefreshToken)
}

// asFailure returns the failure that err is. Anything else than an *oauth.Error would
// be a fault of ours, and says nothing about the grant.
func asFailure(err error) *oauth.Error {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return e
	}
	return &oauth.Error{Op: "refresh", Class: oauth.Unknown, Reason: "internal", InDoubt: true}
}
