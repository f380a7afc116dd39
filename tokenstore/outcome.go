package tokenstore

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// succeed commits and publishes what the server granted.
func (s *Store) succeed(ctx context.Context, st *stored, p *Provider, a ask, answer *oauth.Answer, took time.Duration) (*Token, error) {
	began := s.now().Add(-took)
	rotated := !answer.RefreshToken.IsZero() && !answer.RefreshToken.Equal(st.RefreshToken)
	if a.trigger != TriggerSchedule || st.AskedAt.IsZero() {
		st.AskedAt = s.now()
	}
	s.grant(st, p, answer)
	s.commitOrKeep(ctx, st)
	t := st.token(st.id)
	if t != nil {
		s.published.set(t, st.revision)
	}
	s.notePause(s.pace(p).succeeded(began, s.now()))
	s.observer().Refreshed(RefreshEvent{
		ID: st.id, Trigger: a.trigger, Generation: st.Generation, Duration: took,
		ExpiresAt: st.ExpiresAt, Rotated: rotated,
	})
	return t, nil
}

// grant puts an answer into the record, as its next generation.
func (s *Store) grant(st *stored, p *Provider, answer *oauth.Answer) {
	st.ClientID = p.endpoint.ClientID
	st.AccessToken, st.TokenType = answer.AccessToken, answer.TokenType
	if !answer.RefreshToken.IsZero() {
		st.RefreshToken = answer.RefreshToken
	}
	if answer.Scopes != nil {
		st.Scopes = answer.Scopes
	}
	if answer.Account != "" {
		st.Account = answer.Account
	}
	st.RefreshedAt, st.ExpiresAt = s.now(), answer.ExpiresAt
	st.AskedAt = latest(st.AskedAt, s.census.askedAt(st.id))
	if st.ExpiresAt.IsZero() && p.assumeTTL > 0 {
		st.ExpiresAt = st.RefreshedAt.Add(p.assumeTTL)
	}
	st.Generation++
	st.settled()
	st.due = dueAt(st.record, p)
}

// settled forgets the failures of the past.
func (r *record) settled() {
	r.Intent, r.NeedsConsent, r.Attempts, r.LastError, r.RetryAt = nil, "", 0, "", time.Time{}
}

// fail commits what a failure means for the connection and for the provider.
// inDoubt tells that an earlier use of the refresh token has an unknown outcome.
func (s *Store) fail(ctx context.Context, st *stored, p *Provider, a ask, failure *oauth.Error, inDoubt bool, took time.Duration) (*Token, error) {
	defer func() { s.observer().Refreshed(failedEvent(st, a, failure, took)) }()
	now := s.now()
	s.notePause(s.pace(p).failed(failure, now.Add(-took), now))

	if deliveredGrant(failure) {
		// The server has rotated and then garbled its answer: what it
		// delivered is the grant now.
		st.RefreshToken, st.Intent, inDoubt = failure.Delivered.RefreshToken, nil, false
		st.Generation++
	} else if failure.Class == oauth.Dead && p.grant == GrantAuthorizationCode {
		return s.dead(ctx, st, p, inDoubt)
	}
	if !failure.InDoubt && !inDoubt {
		st.Intent = nil
	}
	st.Attempts++
	st.LastError = failure.Reason
	wait := retryDelay(st.Attempts, failure.RetryAfter)
	st.RetryAt = s.now().Add(wait)
	if failure.Class == oauth.Config {
		// The provider pauses, and a reload that mends it ends the pause for
		// all its connections at once.
		st.RetryAt = time.Time{}
	}
	st.due = dueAt(st.record, p)
	if failure.Delivered != nil {
		s.commitOrKeep(ctx, st)
	} else if err := s.commit(ctx, st); err != nil {
		// Nothing is lost: the intent stands, and the next flight starts from it.
		s.observer().Trouble("saving the outcome of a refresh", err)
	}
	if failure.Class == oauth.Config {
		return nil, &MisconfiguredError{Provider: p.name, Reason: failure.Reason, RetryAfter: configFirst, Err: failure}
	}
	return nil, &UnavailableError{ID: st.id, RetryAfter: max(time.Second, wait), Reason: failure.Reason, Err: failure}
}

// dead believes the server's word that the grant is gone, but only after it has
// read the record again: somebody else may have rotated the token meanwhile, and
// then the verdict was about the old one.
func (s *Store) dead(ctx context.Context, st *stored, p *Provider, inDoubt bool) (*Token, error) {
	again, err := s.records.load(ctx, st.id)
	if err != nil {
		return nil, err
	}
	if t := again.token(again.id); t != nil && again.Generation != st.Generation {
		s.published.set(t, again.revision)
		return t, nil
	}
	reason := ReasonRevoked
	switch {
	case st.olderThan(s.restored):
		// Whatever is open or in doubt in it, is so in a copy from the past.
		reason = ReasonDatabaseRestored
	case inDoubt:
		reason = ReasonInterruptedRotation
	case st.ClientID != "" && st.ClientID != p.endpoint.ClientID:
		reason = ReasonClientChanged
	}
	st.Attempts++
	st.LastError = "invalid_grant"
	return nil, s.needConsent(ctx, st, reason)
}

// commitDeadline bounds a commit that must be tried even if the flight's own
// time is over.
const commitDeadline = 10 * time.Second

// commit saves st, whatever has become of the flight's context meanwhile.
func (s *Store) commit(ctx context.Context, st *stored) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitDeadline)
	defer cancel()
	err := s.records.save(ctx, st)
	if err == nil {
		s.saved(st)
	}
	return err
}

// commitOrKeep saves st, or keeps it in memory until it can be saved: it may
// hold the only copy of a refresh token.
func (s *Store) commitOrKeep(ctx context.Context, st *stored) {
	err := s.commitOver(ctx, st)
	if err == nil {
		return
	}
	total := s.records.keepUnsaved(st)
	s.census.set(st.id, st.state())
	s.observer().Unsaved(UnsavedEvent{ID: st.id, Err: err, Total: total})
}

// commitOver saves st, even over a change that the caller does not know of,
// unless that change is as new as st, or a deletion. Such a change is somebody's who
// had no lease, or our own: a write that was reported as failed may have happened.
func (s *Store) commitOver(ctx context.Context, st *stored) error {
	err := s.commit(ctx, st)
	if !errors.Is(err, storage.ErrConflict) {
		return err
	}
	again, err := s.records.loadStored(ctx, st.id)
	if errors.Is(err, ErrNotFound) {
		s.records.forgetUnsaved(st.id)
		return nil
	}
	if err != nil {
		return err
	}
	if errors.Is(again.damaged, ErrNewerFormat) {
		return again.damaged
	}
	if again.damaged == nil && again.Generation >= st.Generation {
		s.records.forgetUnsaved(st.id)
		*st = *again
		s.saved(st)
		return nil
	}
	st.revision, st.unreadable, st.indexed = again.revision, again.unreadable, again.indexed
	return s.commit(ctx, st)
}

// saved tells everybody who keeps an account of the records.
func (s *Store) saved(st *stored) {
	s.published.advance(st.id, st.revision)
	s.census.set(st.id, st.state())
	s.schedule.holds.forget(st.id)
	s.schedule.notice(st.id, st.due)
}

// deliveredGrant reports whether a broken answer brought a refresh token. Then the one
// that was sent must not be sent again: its second use could end the grant.
func deliveredGrant(failure *oauth.Error) bool {
	return failure.Delivered != nil && !failure.Delivered.RefreshToken.IsZero()
}

func failedEvent(st *stored, a ask, failure *oauth.Error, took time.Duration) RefreshEvent {
	return RefreshEvent{
		ID: st.id, Trigger: a.trigger, Generation: st.Generation, Duration: took,
		Err: failure, Class: failure.Class, Reason: failure.Reason,
	}
}
