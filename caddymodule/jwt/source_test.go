package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// checkUnknown wants the answer that nobody knows.
func checkUnknown(t *testing.T, v *Verifier, raw string) {
	t.Helper()
	name, ok, err := v.Verify(t.Context(), raw)
	if name != "" || ok || !errors.Is(err, ErrUnreachable) {
		t.Errorf("caller %q, %t, error %v; want ErrUnreachable", name, ok, err)
	}
}

func checkAsked(t *testing.T, s *testIssuer, v *Verifier, want int) {
	t.Helper()
	if n := s.asked(v); n != want {
		t.Errorf("the issuer was asked for its keys %d times, want %d", n, want)
	}
}

func TestIssuerIsAskedAtTheFirstTokenOnly(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	checkAsked(t, s, v, 0)
	for n := range 20 {
		checkVerified(t, v, s.key.sign(t, s.claims(object{"n": n}), nil), "ann")
	}
	checkAsked(t, s, v, 1)
}

func TestManyFirstCallersShareOneQuestion(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	raw := s.good(t)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { checkVerified(t, v, raw, "ann") })
	}
	callers.Wait()
	checkAsked(t, s, v, 1)
}

func TestRotation(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	old := s.key
	remembered := old.sign(t, s.claims(nil), nil)
	checkVerified(t, v, remembered, "ann")

	s.key = newKey(t, "second", jose.RS256)
	s.publish(old.public(), s.key.public())
	s.clock.advance(minInterval)
	checkVerified(t, v, s.good(t), "ann")
	checkVerified(t, v, old.sign(t, s.claims(object{"n": 1}), nil), "ann")
	checkAsked(t, s, v, 2)

	// The old key is withdrawn. Nobody has to wait until that is known.
	s.publish(s.key.public())
	s.clock.advance(freshFor)
	checkVerified(t, v, s.good(t), "ann")
	checkAsked(t, s, v, 3)
	checkVerified(t, v, old.sign(t, s.claims(object{"n": 2}), nil), "")
	checkVerified(t, v, remembered, "")
}

func TestAnotherKeyUnderTheSameName(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	checkVerified(t, v, s.good(t), "ann")
	s.key = newKey(t, s.key.id, jose.ES256)
	s.publish(s.key.public())
	s.clock.advance(minInterval)
	checkVerified(t, v, s.good(t), "ann")
}

func TestTokensWithoutKeyID(t *testing.T) {
	s := newTestIssuer(t)
	s.key.id = ""
	other := newKey(t, "other", jose.RS256)
	s.publish(other.public(), s.key.public())
	v := s.verifier(t, s.rule(), nil)
	checkVerified(t, v, s.good(t), "ann")
	other.id = ""
	checkVerified(t, v, newKey(t, "", jose.ES256).sign(t, s.claims(nil), nil), "")
	checkVerified(t, v, other.sign(t, s.claims(nil), nil), "ann")
}

func TestWorkForOneTokenIsBounded(t *testing.T) {
	k := newKey(t, "k", jose.ES256)
	raw := k.sign(t, object{}, nil)
	token, why := parse(raw)
	if why != "" {
		t.Fatal(why)
	}
	set := &keySet{keys: slices.Repeat([]jose.JSONWebKey{k.public()}, 1000)}
	if n := len(set.of(token)); n != maxTries {
		t.Errorf("%d keys are tried", n)
	}
}

func TestFloodsAskAtMostOnceAMinute(t *testing.T) {
	s := newTestIssuer(t)
	stranger := newKey(t, "", jose.ES256)
	for _, tc := range []struct {
		name string
		id   func(n int) string
	}{
		{name: "of unknown keys", id: func(n int) string { return fmt.Sprint("unknown-", n) }},
		{name: "of bad signatures", id: func(int) string { return s.key.id }},
		{name: "of tokens without a key", id: func(int) string { return "" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := s.verifier(t, s.rule(), nil)
			before := s.asked(v)
			for minute := range 3 {
				for n := range 50 {
					stranger.id = tc.id(n)
					checkVerified(t, v, stranger.sign(t, s.claims(nil), nil), "")
				}
				checkAsked(t, s, v, before+minute+1)
				s.clock.advance(minInterval)
			}
			checkVerified(t, v, s.good(t), "ann")
		})
	}
}

func TestGarbageReachesNoNetwork(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	for _, raw := range []string{
		"", "garbage", strings.Repeat("a.", 9000), "a.b.c",
		s.key.sign(t, s.claims(object{"iss": "https://other.example.com"}), nil),
		s.key.sign(t, s.claims(object{"aud": "other"}), nil),
		s.key.sign(t, s.claims(object{"exp": testNow.Unix()}), nil),
	} {
		checkVerified(t, v, raw, "")
	}
	settle(v)
	if n := s.total(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "canary-body", http.StatusServiceUnavailable)
}

func TestIssuerThatIsDown(t *testing.T) {
	s := newTestIssuer(t)
	core, logs := observer.New(zap.InfoLevel)
	v := s.verifier(t, s.rule(), zap.New(core))
	s.answer(unavailable)

	// The waits double: 1 s, 2 s, 4 s and so on up to a minute.
	var asked []int
	for second := range 300 {
		before := s.total()
		checkUnknown(t, v, s.good(t))
		if s.total() != before {
			asked = append(asked, second)
		}
		s.clock.advance(time.Second)
	}
	if diff := cmp.Diff([]int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}, asked); diff != "" {
		t.Errorf("seconds at which the issuer was asked:\n%s", diff)
	}
	if n := logs.Len(); n < 4 || n > 6 {
		t.Errorf("%d messages in five minutes", n)
	}
	for _, entry := range logs.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); !strings.Contains(text, "discovery: status 503") || strings.Contains(text, "canary") {
			t.Errorf("logged %s", text)
		}
	}

	s.answer(nil)
	s.clock.advance(minInterval)
	checkVerified(t, v, s.good(t), "ann")
	if last := logs.All()[logs.Len()-1]; !strings.Contains(last.Message, "again") {
		t.Errorf("the last message is %q", last.Message)
	}
}

func TestKnownKeysOutliveAnOutageForADay(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	token := func(n int) string {
		return s.key.sign(t, s.claims(object{"exp": testNow.Add(48 * time.Hour).Unix(), "n": n}), nil)
	}
	checkVerified(t, v, token(1), "ann")
	s.answer(unavailable)

	s.clock.advance(trustedFor - time.Second)
	checkVerified(t, v, token(2), "ann")
	settle(v)
	s.clock.advance(2 * firstBackoff)
	checkUnknown(t, v, token(3))

	s.answer(nil)
	s.clock.advance(minInterval)
	checkVerified(t, v, token(3), "ann")
}

func TestDuringAnOutageOnlyUnknownKeysAreInDoubt(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	checkVerified(t, v, s.good(t), "ann")
	s.answer(unavailable)
	s.clock.advance(minInterval)

	checkUnknown(t, v, newKey(t, "second", jose.ES256).sign(t, s.claims(nil), nil))
	checkVerified(t, v, newKey(t, "first", jose.ES256).sign(t, s.claims(nil), nil), "")
	checkVerified(t, v, s.key.sign(t, s.claims(object{"n": 1}), nil), "ann")
}

// roundTrip is a transport without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCallersWaitForASilentIssuerNoLongerThanTheirPatience(t *testing.T) {
	k := newKey(t, "k", jose.ES256)
	synctest.Test(t, func(t *testing.T) {
		silent := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		v, err := Issuer{Issuer: "https://silent.example.com", Audiences: []string{"a"}}.Provision(Options{Client: &http.Client{Transport: silent}})
		if err != nil {
			t.Fatal(err)
		}
		raw := k.sign(t, object{"iss": "https://silent.example.com", "aud": "a", "sub": "s", "exp": time.Now().Add(time.Hour).Unix()}, nil)
		began := time.Now()
		checkUnknown(t, v, raw)
		if waited := time.Since(began); waited != patience {
			t.Errorf("waited %s", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok, err := v.Verify(ctx, raw); ok || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnreachable) {
			t.Errorf("a caller who went away: %t, %v", ok, err)
		}
		// The question goes on without them, up to its own deadline.
		time.Sleep(fetchTimeout - patience - time.Second)
		synctest.Wait()
		checkUnknown(t, v, raw)
		if total := time.Since(began); total != fetchTimeout {
			t.Errorf("the question took %s", total)
		}
	})
}

func TestPanicWhileReadingTheKeysIsAFailure(t *testing.T) {
	s := newTestIssuer(t)
	v := s.verifier(t, s.rule(), nil)
	v.keys.fetch = func(context.Context) (*keySet, error) { panic("canary") }
	checkUnknown(t, v, s.good(t))
}
