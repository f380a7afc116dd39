package tokenstore

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func testProvider(t *testing.T, adjust func(*ProviderConfig)) *Provider {
	t.Helper()
	c := ProviderConfig{Name: "p", ClientID: "c", AuthorizeURL: "https://a.example/a", TokenURL: "https://a.example/t"}
	if adjust != nil {
		adjust(&c)
	}
	p, err := NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheLeadTimeIsAFifthOfAShortLife(t *testing.T) {
	for _, tc := range []struct{ setting, lifetime, want time.Duration }{
		{5 * time.Minute, 4 * time.Hour, 5 * time.Minute},
		{5 * time.Minute, 25 * time.Minute, 5 * time.Minute},
		{5 * time.Minute, 10 * time.Minute, 2 * time.Minute},
		{5 * time.Minute, 5 * time.Second, time.Second},
		{5 * time.Minute, 0, 5 * time.Minute},
		{5 * time.Minute, -time.Hour, 5 * time.Minute},
	} {
		if got := leadTime(tc.setting, tc.lifetime); got != tc.want {
			t.Errorf("leadTime(%s, %s) = %s, want %s", tc.setting, tc.lifetime, got, tc.want)
		}
	}
}

func TestTheWaitAfterAFailureGrowsWithinBounds(t *testing.T) {
	for range 200 {
		for attempts, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1 << 40: 5 * time.Minute} {
			if d := retryDelay(attempts, 0); d < most/2 || d > most {
				t.Fatalf("after %d failures: %s, want %s to %s", attempts, d, most/2, most)
			}
		}
	}
	if d := retryDelay(1, 10*time.Minute); d != 10*time.Minute {
		t.Errorf("with Retry-After: %s", d)
	}
	if d := retryDelay(1, 1000*time.Hour); d != time.Hour {
		t.Errorf("with an endless Retry-After: %s", d)
	}
}

func TestWhenAConnectionIsDue(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	eager, onDemand, keepAlive := &RefreshPolicy{Mode: RefreshEager}, &RefreshPolicy{Mode: RefreshOnDemand}, &RefreshPolicy{Mode: RefreshKeepAlive, Period: 10 * time.Hour}
	grant := func(change func(*record)) record {
		r := record{RefreshToken: secret.New("r"), AccessToken: secret.New("a"), RefreshedAt: now, ExpiresAt: now.Add(4 * time.Hour), Policy: eager}
		change(&r)
		return r
	}
	never := time.Time{}
	for name, tc := range map[string]struct {
		r        record
		from, to time.Time
	}{
		"eager: the lead time before the expiry, or up to half as much earlier": {grant(func(*record) {}), now.Add(4*time.Hour - 7*time.Minute - 30*time.Second), now.Add(4*time.Hour - 5*time.Minute)},
		"eager without an expiry: never":                                        {grant(func(r *record) { r.ExpiresAt = never }), never, never},
		"on_demand: never":                                                      {grant(func(r *record) { r.Policy = onDemand }), never, never},
		"keep_alive: a period after the last refresh":                           {grant(func(r *record) { r.Policy = keepAlive }), now.Add(9 * time.Hour), now.Add(10 * time.Hour)},
		"without a refresh token: at the expiry":                                {grant(func(r *record) { r.RefreshToken = secret.String{} }), now.Add(4 * time.Hour), now.Add(4 * time.Hour)},
		"after a failure: when it may be tried again":                           {grant(func(r *record) { r.Attempts, r.RetryAt = 1, now.Add(time.Second) }), now.Add(time.Second), now.Add(time.Second)},
		"on_demand after a failure: never":                                      {grant(func(r *record) { r.Policy, r.Attempts, r.RetryAt = onDemand, 1, now.Add(time.Second) }), never, never},
		"an open intent: at once, whatever the policy":                          {grant(func(r *record) { r.Policy, r.Intent = onDemand, &intent{At: now} }), now, now},
		"an open intent after a failure: when it may be tried again":            {grant(func(r *record) { r.Intent, r.RetryAt = &intent{At: now}, now.Add(time.Minute) }), now.Add(time.Minute), now.Add(time.Minute)},
		"needs consent: never":                                                  {grant(func(r *record) { r.NeedsConsent, r.Intent = ReasonRevoked, &intent{At: now} }), never, never},
	} {
		p := testProvider(t, nil)
		for range 50 {
			if got := dueAt(tc.r, p); got.Before(tc.from) || got.After(tc.to) {
				t.Errorf("%s: %s, want %s to %s", name, got, tc.from, tc.to)
				break
			}
		}
	}
}

// The census is the same as a map of all connections, whatever happens in whichever order.
func TestTheCensusCountsWhatThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, want := Store{census: newCensus()}, map[ID]State{}
		c := &s.census
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := ID{Provider: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "provider"), Name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")}
			state := rapid.SampledFrom(states[1:]).Draw(t, "state")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				c.set(id, state)
				want[id] = state
			case 1:
				c.remove(id)
				delete(want, id)
			case 2: // a page that was read before the last change
				if _, known := want[id]; !known && !c.deleted[id] {
					want[id] = state
				}
				c.found(id, state)
			case 3: // perhaps before the census has come to it
				c.ask(id, time.Unix(7, 0))
			}
		}
		counts := map[string]map[State]int{}
		for id, state := range want {
			if counts[id.Provider] == nil {
				counts[id.Provider] = map[State]int{}
			}
			counts[id.Provider][state]++
		}
		if diff := cmp.Diff(counts, s.Census()); diff != "" {
			t.Errorf("census (-want +got):\n%s", diff)
		}
	})
}

func TestARecordKeepsAllItHas(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	want := record{
		ClientID: "c", AccessToken: secret.New("a"), RefreshToken: secret.New("r"), TokenType: "Bearer",
		Scopes: []string{"s"}, Account: "ada", CreatedAt: now, RefreshedAt: now, ExpiresAt: now.Add(time.Hour), Generation: 7,
		AskedAt: now, Policy: &RefreshPolicy{Mode: RefreshKeepAlive, Period: time.Hour}, Intent: &intent{At: now, Attempts: 2},
		NeedsConsent: ReasonRevoked, Attempts: 3, LastError: "status", RetryAt: now,
	}
	plain, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeRecord(plain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b secret.String) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestARecordOfAnotherVersionIsRefused(t *testing.T) {
	for text, newer := range map[string]bool{
		`{"v":2,"access_token":"canary"}`: true,
		`{"v":0,"access_token":"canary"}`: false,
		`{"access_token":"canary"}`:       false,
		`{"v":"canary"}`:                  false,
		`canary`:                          false,
	} {
		_, err := decodeRecord([]byte(text))
		if err == nil || errors.Is(err, ErrNewerFormat) != newer || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzDecodeRecordNeverQuotesWhatItRead also checks that what it reads can be
// written and read again.
func FuzzDecodeRecordNeverQuotesWhatItRead(f *testing.F) {
	f.Add([]byte(`{"v":1,"access_token":"a","created_at":"2026-01-02T03:04:05Z","generation":1}`))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":1,"scopes":null,"intent":{"at":"x"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if len(b) > 12 && strings.Contains(err.Error(), string(b)) {
				t.Error("the error quotes the record")
			}
			return
		}
		plain, err := r.encode()
		if err != nil {
			return // a year that JSON cannot write
		}
		again, err := decodeRecord(plain)
		if err != nil || !again.AccessToken.Equal(r.AccessToken) || again.Generation != r.Generation {
			t.Errorf("it cannot be read again: %v", err)
		}
	})
}

func TestAKeptIDKeepsNothingElse(t *testing.T) {
	line := strings.Clone("PUT /token_store/connections/demo/one HTTP/1.1")
	came := ID{Provider: line[29:33], Name: line[34:37]}
	kept := came.clone()
	if kept != came || kept != (ID{Provider: "demo", Name: "one"}) {
		t.Fatalf("%s became %s", came, kept)
	}
	if unsafe.StringData(kept.Name) == unsafe.StringData(came.Name) || unsafe.StringData(kept.Provider) == unsafe.StringData(came.Provider) {
		t.Error("it is still a part of the line")
	}
}
