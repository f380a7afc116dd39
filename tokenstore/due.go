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

// dueAt is when the schedule has to look at the connection next; the zero time if never.
func dueAt(r record, p *Provider) time.Time {
	switch {
	case r.NeedsConsent != "":
		return time.Time{}
	case r.Intent != nil:
		return latest(r.RetryAt, r.Intent.At)
	}
	canRefresh := !r.RefreshToken.IsZero() || p.grant == GrantClientCredentials
	policy := r.policy(p)
	switch {
	case !canRefresh:
		// Not to refresh it, but to notice that it ended.
		return r.ExpiresAt
	case policy.Mode == RefreshOnDemand:
		return time.Time{}
	case r.Attempts > 0 && !r.RetryAt.IsZero():
		return r.RetryAt
	case policy.Mode == RefreshKeepAlive:
		return r.RefreshedAt.Add(policy.Period - rand.N(policy.Period/10+1))
	case r.ExpiresAt.IsZero():
		return time.Time{}
	}
	// Jitter spreads what was connected in the same minute. It only ever makes
	// a refresh earlier.
	lead := leadTime(p.lead, r.lifetime())
	return r.ExpiresAt.Add(-lead - rand.N(lead/2+1))
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
