package tokenstore

import (
	"context"
	"time"
)

// settle answers what can be answered without the authorization server. done is
// false if a refresh is needed and may be tried now.
func (s *Store) settle(ctx context.Context, st *stored, p *Provider, a ask) (t *Token, done bool, err error) {
	now := s.now()
	t = st.token(st.id)
	if t != nil {
		s.published.set(t, st.revision)
	}
	switch {
	case st.NeedsConsent != "":
		t, err := s.withoutGrant(st, t, a)
		return t, true, err
	case a.enough(st, t, p, now):
		if a.place != nil {
			s.schedule.notice(st.id, st.due)
		}
		return t, true, nil
	case a.trigger == TriggerSchedule && st.notYet(p, now):
		return t, true, s.putOff(ctx, st, p)
	case p.grant == GrantAuthorizationCode && st.RefreshToken.IsZero():
		t, err := s.withoutRefreshToken(ctx, st, t, a)
		return t, true, err
	case a.trigger == TriggerSchedule && s.idle(st, p, now):
		return t, true, s.layToSleep(ctx, st)
	case a.trigger == TriggerDemand && t != nil && t.fresh(0, now) && tooSoon(st, p, now):
		// It is the best there is: who asks for more than the server gives must not
		// cause a refresh with each question.
		return t, true, nil
	case a.trigger == TriggerRejected && tooSoon(st, p, now):
		return nil, true, &UnavailableError{ID: st.id, RetryAfter: p.minInterval, Reason: "refreshed_recently"}
	case a.trigger != TriggerForced && waiting(st.RetryAt, now) && st.Attempts > 0:
		return nil, true, &UnavailableError{ID: st.id, RetryAfter: max(time.Second, st.RetryAt.Sub(now)), Reason: st.LastError}
	}
	return nil, false, nil
}

// enough reports whether the present token is what a asks for.
func (a ask) enough(st *stored, t *Token, p *Provider, now time.Time) bool {
	switch a.trigger {
	case TriggerDemand:
		if t == nil || t.fresh(a.minTTL, now) {
			return t != nil
		}
		// Whoever wants more time than this server's tokens ever have gets the
		// best there is, and not a refresh with each call.
		return a.minTTL+t.margin >= st.lifetime() && t.fresh(0, now) && tooSoon(st, p, now)
	case TriggerRejected:
		// Compare and swap: somebody else's refresh was faster.
		return t != nil && !t.Value.Equal(a.rejected.Value) && t.valid(now)
	case TriggerSchedule:
		// Somebody else's refresh has moved the due time since it was read.
		return st.due.IsZero() || st.due.After(now)
	}
	return false
}

// withoutGrant answers for a connection that needs consent: its last token serves until it
// expires.
func (s *Store) withoutGrant(st *stored, t *Token, a ask) (*Token, error) {
	if t != nil && a.trigger == TriggerDemand && t.valid(s.now()) {
		return t, nil
	}
	return nil, &ConsentNeededError{ID: st.id, Reason: st.NeedsConsent}
}

// withoutRefreshToken answers for a connection that cannot be refreshed: once its token
// expired or was refused, it needs consent.
func (s *Store) withoutRefreshToken(ctx context.Context, st *stored, t *Token, a ask) (*Token, error) {
	if t != nil && a.trigger != TriggerRejected && t.valid(s.now()) {
		if a.trigger == TriggerForced {
			return nil, &ConsentNeededError{ID: st.id, Reason: ReasonNoRefreshToken}
		}
		return t, nil
	}
	return nil, s.needConsent(ctx, st, ReasonNoRefreshToken)
}

// putOff gives a connection that the schedule came to too early the due time that its record asks for.
func (s *Store) putOff(ctx context.Context, st *stored, p *Provider) error {
	st.due = dueAt(st.record, p)
	return s.commit(ctx, st)
}

// needConsent marks the connection, keeps everything else of it, and returns the
// error that says so.
func (s *Store) needConsent(ctx context.Context, st *stored, reason Reason) error {
	st.NeedsConsent, st.Intent, st.due = reason, nil, time.Time{}
	needed := &ConsentNeededError{ID: st.id, Reason: reason}
	if err := s.commit(ctx, st); err != nil {
		return err
	}
	s.observer().ConsentNeeded(ConsentEvent{ID: st.id, Reason: reason})
	return needed
}

// tooSoon reports whether the last refresh was less than the provider's
// minimum interval ago. A time in the future is of a clock that was set back since.
func tooSoon(st *stored, p *Provider, now time.Time) bool {
	since := now.Sub(st.RefreshedAt)
	return since >= 0 && since < p.minInterval
}

// waiting reports whether until is still to come, and near enough to be believed.
func waiting(until, now time.Time) bool {
	left := until.Sub(now)
	return left > 0 && left <= retryClamp
}
