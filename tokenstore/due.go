package tokenstore

import (
	"math/rand/v2"
	"time"
)

// Bounds of the wait after a failed refresh of one connection.
const (
	retryFirst   = time.Second
	retryLongest = 5 * time.Minute
	retryClamp   = time.Hour // the most that a server's Retry-After can ask for
)

// retryDelay is the wait after the given number of failures in a row, with
// full jitter above half of it, but never less than the server asked for.
func retryDelay(attempts int, retryAfter time.Duration) time.Duration {
	d := backoff(attempts-1, retryFirst, retryLongest)
	d = d/2 + rand.N(d/2+1)
	return max(d, min(retryAfter, retryClamp))
}

// leadTime is how long before its expiry a token of this lifetime is
// refreshed: what the provider is set to, but at most a fifth of the lifetime,
// so that tokens that live for seconds are not refreshed all the time.
func leadTime(setting, lifetime time.Duration) time.Duration {
	if lifetime <= 0 {
		return setting
	}
	return min(setting, lifetime/5)
}

// dueAt is when the schedule has to look at the connection next; the zero time if never. Jitter spreads what was connected in
// the same minute.
func dueAt(r record, p *Provider) time.Time {
	from, to := dueWithin(r, p)
	return from.Add(rand.N(to.Sub(from) + 1))
}

// notYet reports whether the record says by itself that the schedule has to look at it later or never, whatever the due index
// says: that may be damaged where an entry would have to be moved.
func (r record) notYet(p *Provider, now time.Time) bool {
	switch from, _ := dueWithin(r, p); {
	case r.AccessToken.IsZero(), r.Intent != nil:
		return false
	case r.Attempts > 0 && from.Equal(r.RetryAt):
		return waiting(r.RetryAt, now)
	case from.IsZero():
		return r.policy(p).Mode == RefreshOnDemand
	default:
		// Not to the moment, since a storage may keep times less precisely.
		return from.After(now.Add(time.Second))
	}
}

// dueWithin returns the first and the last time that dueAt may be.
func dueWithin(r record, p *Provider) (from, to time.Time) {
	at := func(t time.Time) (from, to time.Time) { return t, t }
	switch {
	case r.NeedsConsent != "":
		return at(time.Time{})
	case r.Intent != nil:
		return at(latest(r.RetryAt, r.Intent.At))
	}
	canRefresh := !r.RefreshToken.IsZero() || p.grant == GrantClientCredentials
	policy := r.policy(p)
	switch {
	case !canRefresh:
		// Not to refresh it, but to notice that it ended.
		return at(r.ExpiresAt)
	case policy.Mode == RefreshOnDemand:
		return at(time.Time{})
	case r.Attempts > 0 && !r.RetryAt.IsZero():
		return at(r.RetryAt)
	case policy.Mode == RefreshKeepAlive:
		to = r.RefreshedAt.Add(policy.Period)
		return to.Add(-policy.Period / 10), to
	case r.ExpiresAt.IsZero():
		return at(time.Time{})
	}
	// Jitter only ever makes a refresh earlier.
	lead := leadTime(p.lead, r.lifetime())
	to = r.ExpiresAt.Add(-lead)
	return to.Add(-lead / 2), to
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
