package tokenstore

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

var errBadGateway = &oauth.Error{Class: oauth.Transient, Reason: "status", Status: 502}

func TestTheBreakerOpensAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(testProvider(t, nil), new(breaker))
		for range breakerThreshold - 1 {
			if p.failed(errBadGateway, time.Now(), time.Now()) {
				t.Fatal("it opens too early")
			}
		}
		// Those behind the fifth were under way when it opened.
		for i := range 40 {
			if changed := p.failed(errBadGateway, time.Now(), time.Now()); changed != (i == 0) || p.left() != breakerFirst {
				t.Fatalf("after %d more failures the pause is %s", i+1, p.left())
			}
		}
		var u *UnavailableError
		if _, err := p.admit(ID{}, time.Now()); !errors.As(err, &u) || u.RetryAfter != breakerFirst {
			t.Errorf("admitted during the pause: %v", err)
		}
		if taken, _ := p.reserve(time.Now()); taken != nil {
			t.Error("the schedule may call during the pause")
		}
		time.Sleep(breakerFirst)
		first, err := p.admit(ID{}, time.Now())
		if err != nil {
			t.Fatalf("no probe after the pause: %v", err)
		}
		if _, err := p.admit(ID{}, time.Now()); err == nil {
			t.Error("two probes")
		}
		if taken, _ := p.reserve(time.Now()); taken != nil {
			t.Error("the schedule may call beside a probe")
		}
		if !p.failed(errBadGateway, time.Now(), time.Now()) || p.left() != 2*breakerFirst {
			t.Errorf("after a failed probe the pause is %s", p.left())
		}
		time.Sleep(2 * breakerFirst)
		second, err := p.admit(ID{}, time.Now())
		if err != nil {
			t.Error(err)
		}
		first() // it took long to save what came of it
		if _, err := p.admit(ID{}, time.Now()); err == nil {
			t.Error("a probe that was over has made room for another")
		}
		second() // the call was not made
		if _, err := p.admit(ID{}, time.Now()); err != nil {
			t.Errorf("an abandoned probe leaves no room for another: %v", err)
		}
		if !p.succeeded(time.Now(), time.Now()) || p.left() != 0 {
			t.Errorf("after a success the pause is %s", p.left())
		}
		for range 2 {
			if _, err := p.admit(ID{}, time.Now()); err != nil {
				t.Errorf("after a success: %v", err)
			}
		}
	})
}

// left returns how long the provider is paused.
func (p *pace) left() time.Duration {
	longer, _ := p.paused(time.Now())
	return longer.left(time.Now())
}

// What a failure of one provider means for itself, and for another of the same host.
func TestWhatPausesAProviderAndWhatItsHost(t *testing.T) {
	for name, tc := range map[string]struct {
		failure oauth.Error
		times   int
		// How long a pause follows, 0 if none does.
		itself, other time.Duration
	}{
		"a refused client":            {oauth.Error{Class: oauth.Config, Reason: "invalid_client", Status: 401}, 1, configFirst, 0},
		"many refusals at once":       {oauth.Error{Class: oauth.Config, Reason: "invalid_client", Status: 401}, 40, configFirst, 0},
		"a refused address":           {oauth.Error{Class: oauth.Config, Reason: "refused_address"}, 1, configFirst, 0},
		"dead grants":                 {oauth.Error{Class: oauth.Dead, Status: 400}, 10, 0, 0},
		"429 with Retry-After":        {oauth.Error{Status: 429, RetryAfter: 7 * time.Second}, 1, 7 * time.Second, 0},
		"503 with Retry-After":        {oauth.Error{Status: 503, RetryAfter: time.Hour}, 1, time.Hour, 0},
		"many 503 with Retry-After":   {oauth.Error{Status: 503, RetryAfter: time.Hour}, 5, time.Hour, 0},
		"502 with Retry-After is one": {oauth.Error{Status: 502, RetryAfter: time.Hour}, 1, 0, 0},
		"a single failure":            {oauth.Error{Status: 500}, 1, 0, 0},
		"one failure too few":         {oauth.Error{Status: 500}, breakerThreshold - 1, 0, 0},
		"a server that fails":         {oauth.Error{Status: 500}, breakerThreshold, breakerFirst, breakerFirst},
		"nobody listens":              {oauth.Error{Reason: "refused"}, breakerThreshold, breakerFirst, breakerFirst},
		"no answer":                   {oauth.Error{Class: oauth.Unknown, Reason: "timeout", InDoubt: true}, breakerThreshold, breakerFirst, breakerFirst},
		"answers that are cut":        {oauth.Error{Class: oauth.Unknown, Reason: "cut", Status: 200, InDoubt: true}, breakerThreshold, breakerFirst, breakerFirst},
		"a path that is not there":    {oauth.Error{Status: 404}, breakerThreshold, breakerFirst, 0},
		"429 without Retry-After":     {oauth.Error{Status: 429}, breakerThreshold, breakerFirst, 0},
		"answers that make no sense":  {oauth.Error{Reason: "malformed", Status: 200, InDoubt: true}, breakerThreshold, breakerFirst, 0},
		"no refresh token to be sent": {oauth.Error{Reason: "no_token"}, breakerThreshold, breakerFirst, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := new(breaker)
				p, q := newPace(testProvider(t, nil), host), newPace(testProvider(t, nil), host)
				for range tc.times {
					p.failed(&tc.failure, time.Now(), time.Now())
				}
				if p.left() != tc.itself || q.left() != tc.other {
					t.Errorf("it pauses for %s, and another for %s, want %s and %s", p.left(), q.left(), tc.itself, tc.other)
				}
			})
		})
	}
}

func TestWhateverShowsThatAHostWorksBeginsItsCountAnew(t *testing.T) {
	for name, works := range map[string]func(*pace){
		"a success":       func(p *pace) { p.succeeded(time.Now(), time.Now()) },
		"a dead grant":    func(p *pace) { p.failed(&oauth.Error{Class: oauth.Dead, Status: 400}, time.Now(), time.Now()) },
		"a refusal":       func(p *pace) { p.failed(&oauth.Error{Class: oauth.Config, Status: 401}, time.Now(), time.Now()) },
		"some other word": func(p *pace) { p.failed(&oauth.Error{Status: 403}, time.Now(), time.Now()) },
	} {
		host := new(breaker)
		p, q := newPace(testProvider(t, nil), host), newPace(testProvider(t, nil), host)
		for range breakerThreshold - 1 {
			p.failed(errBadGateway, time.Now(), time.Now())
		}
		works(q)
		if p.failed(errBadGateway, time.Now(), time.Now()); p.left() != 0 {
			t.Errorf("%s: the host is paused for %s", name, p.left())
		}
		for range breakerThreshold - 1 {
			p.failed(errBadGateway, time.Now(), time.Now())
		}
		if p.left() == 0 {
			t.Errorf("%s: the host is never paused any more", name)
		}
	}
}

// What was sent before a pause began says nothing of the time since.
func TestCallsThatWereUnderWayWhenAPauseBeganChangeNothing(t *testing.T) {
	begun := time.Now()
	before, after := begun.Add(-time.Second), begun.Add(breakerFirst+time.Second)
	t.Run("a failure does not lengthen it, nor take the place of its probe", func(t *testing.T) {
		b := new(breaker)
		for range breakerThreshold {
			b.failed(before, begun, "timeout")
		}
		probe, _ := b.admit(after)
		if probe == 0 || b.failed(before, after, "timeout") || b.pause.left(after) != 0 || !b.leave(probe) {
			t.Errorf("the probe is %d; %+v", probe, b.pause)
		}
		if !b.failed(after, after, "timeout") || b.pause.left(after) != 2*breakerFirst {
			t.Errorf("a failure since then leads to %+v", b.pause)
		}
	})
	t.Run("a success does not end one that was asked for", func(t *testing.T) {
		b := new(breaker)
		b.asked(begun, time.Hour)
		if b.succeeded(before, after) || b.pause.left(after) == 0 {
			t.Error("it is over")
		}
		if !b.succeeded(after, after) || !b.pause.none() {
			t.Error("a success since then does not end it")
		}
	})
	t.Run("a refusal does not shorten it", func(t *testing.T) {
		b := new(breaker)
		b.asked(begun, time.Hour)
		b.refused(begun, "invalid_client")
		if left := b.pause.left(begun); left != time.Hour || !b.pause.config {
			t.Errorf("%s are left of it", left)
		}
		if _, against := b.admit(begun.Add(-time.Millisecond)); against.none() {
			t.Error("who read the clock a moment earlier is admitted")
		}
	})
}

func TestAPauseDoesNotOutliveAClockThatIsSetBack(t *testing.T) {
	p := newPace(testProvider(t, nil), new(breaker))
	now := time.Now()
	p.failed(&oauth.Error{Class: oauth.Config, Reason: "invalid_client"}, now, now)
	if _, err := p.admit(ID{}, now.Add(-30*24*time.Hour)); err != nil {
		t.Errorf("a month before: %v", err)
	}
}

func TestATokenHostIsASchemeAHostAndAPort(t *testing.T) {
	for _, tc := range []struct {
		tokenURL, refreshURL, want string
	}{
		{"https://login.example/tenant-a/token", "", "https://login.example"},
		{"https://LOGIN.example:443/tenant-b/token?x=y", "", "https://login.example"},
		{"https://login.example.:8443/token", "", "https://login.example.:8443"},
		{"https://login.example/token", "https://refresh.example/token", "https://refresh.example"},
		{"http://localhost:80/token", "", "http://localhost"},
		{"http://[::1]:8080/token", "", "http://[::1]:8080"},
	} {
		p := testProvider(t, func(c *ProviderConfig) { c.TokenURL, c.RefreshURL = tc.tokenURL, tc.refreshURL })
		if p.tokenHost != tc.want {
			t.Errorf("%s, %s: %q, want %q", tc.tokenURL, tc.refreshURL, p.tokenHost, tc.want)
		}
	}
}
