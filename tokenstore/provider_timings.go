package tokenstore

import (
	"cmp"
	"time"
)

// Defaults of the timings.
const (
	defaultLead          = 5 * time.Minute
	defaultMinInterval   = 30 * time.Second
	defaultMaxConcurrent = 4
	defaultMaxPerSecond  = 20
)

// timings reads when and how often the authorization server is called.
func (b *builder) timings() {
	c := b.config
	b.p.policy = c.Refresh
	if c.Refresh.Mode == "" {
		b.p.policy.Mode = RefreshEager
	}
	if err := b.p.policy.validate(); err != nil {
		b.problem("refresh", "%v", err)
	}
	b.p.lead = b.duration("lead", c.Lead, defaultLead)
	b.p.assumeTTL = b.duration("assume_ttl", c.AssumeTTL, 0)
	b.p.sleepAfter = b.duration("sleep_after", c.SleepAfter, 0)
	b.p.minInterval = b.duration("min_refresh_interval", c.MinRefreshInterval, defaultMinInterval)
	b.p.maxConcurrent = cmp.Or(c.MaxConcurrent, defaultMaxConcurrent)
	if c.MaxConcurrent < 0 || c.MaxConcurrent > 1000 {
		b.problem("max_concurrent", "%d is not between 1 and 1000", c.MaxConcurrent)
	}
	b.p.maxPerSecond = cmp.Or(c.MaxPerSecond, defaultMaxPerSecond)
	// With much less than one in a week, the time from one to the next has no room in a time.Duration.
	if !(b.p.maxPerSecond >= 1e-6 && b.p.maxPerSecond <= 1e6) {
		b.problem("max_per_second", "%v is not above 0, from 0.000001 to 1000000", c.MaxPerSecond)
	}
}

// duration checks a setting; nobody means a negative one, or one of centuries.
func (b *builder) duration(field string, d, byDefault time.Duration) time.Duration {
	const most = 10 * 365 * 24 * time.Hour
	if d < 0 || d > most {
		b.problem(field, "%s is not a duration between 0 and ten years", d)
	}
	return cmp.Or(d, byDefault)
}
