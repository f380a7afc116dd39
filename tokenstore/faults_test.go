package tokenstore_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// conversations are the kinds of request that a store sends to an authorization server. Each one plays a fault and
// tells what came of it, in the words of testdata/faults.txt.
var conversations = []struct {
	name string
	play func(*world, serverFault) string
}{
	{"exchange", playExchange},
	{"refresh on demand", playDemand},
	{"refresh in the background", playBackground},
	{"revocation", playRevocation},
}

// TestEveryFaultOfAServerEndsAsItShouldInEveryConversation plays each fault with a server that rotates, ends a grant when
// an old refresh token is used, and has no grace window.
func TestEveryFaultOfAServerEndsAsItShouldInEveryConversation(t *testing.T) {
	rounds := soaktest.Times(1, 10)
	want, faults := expectations(t), slices.Repeat(serverFaults(), rounds)
	for i, f := range faults {
		expected := map[string]string{}
		for _, c := range conversations {
			key := f.name + ": " + c.name
			expected[c.name] = want[key]
			if i >= len(faults)-len(faults)/rounds {
				delete(want, key)
			}
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
				for _, c := range conversations {
					if got := c.play(w, f); got != expected[c.name] {
						t.Errorf("%s:\n got %s\nwant %s", c.name, got, expected[c.name])
					}
				}
			})
		})
	}
	for key := range want {
		t.Errorf("%s: there is no such fault", key)
	}
	t.Logf("%d faults in %d conversations, %d times each", len(faults)/rounds, len(conversations), rounds)
}

// expectations reads testdata/faults.txt: under the name of each fault, indented, a line for each conversation. A line
// for both kinds of refresh stands for two.
func expectations(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, fault := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		kind, outcome, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '\t':
			fault = line
		case !ok:
			t.Fatalf("testdata/faults.txt: %q", line)
		case kind == "refresh":
			want[fault+": refresh on demand"], want[fault+": refresh in the background"] = outcome, outcome
		default:
			want[fault+": "+kind] = outcome
		}
	}
	return want
}

// strike makes f happen to the next request of a kind, and returns what ends that.
func (w *world) strike(f serverFault, path, grantType string) (end func()) {
	w.t.Helper()
	if f.dial != nil {
		w.noDial.Store(&f.dial)
		return func() { w.noDial.Store(nil) }
	}
	f.fault.Path, f.fault.GrantType = path, grantType
	w.server.Script(f.fault)
	return func() {
		if n := w.server.PendingFaults(); n != 0 {
			w.t.Errorf("%s: it was not played", f.name)
		}
		w.server.ClearFaults()
	}
}

func playDemand(w *world, f serverFault) string {
	w.t.Helper()
	id := tokenstore.ID{Provider: demo.Provider, Name: "demand"}
	w.connect(id)
	time.Sleep(5 * time.Hour)
	end := w.strike(f, "", "refresh_token")
	told := w.listen()
	_, _ = w.Token(w.t.Context(), id, tokenstore.Want{})
	synctest.Wait()
	return w.outcome(id, told, tokenstore.TriggerDemand, end)
}

func playBackground(w *world, f serverFault) string {
	w.t.Helper()
	id := tokenstore.ID{Provider: demo.Provider, Name: "background"}
	g, err := w.server.IssueGrant(clientID)
	if err != nil {
		w.t.Fatal(err)
	}
	end := w.strike(f, "", "refresh_token")
	told := w.listen()
	eager := &tokenstore.RefreshPolicy{Mode: tokenstore.RefreshEager}
	// Without an access token the first refresh is due at once.
	if err := w.Import(w.t.Context(), id, tokenstore.Import{RefreshToken: g.RefreshToken, Refresh: eager}); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	// This joins the refresh under way. If that is over and failed, this is left to wait.
	_, _ = w.Token(w.t.Context(), id, tokenstore.Want{})
	synctest.Wait()
	return w.outcome(id, told, tokenstore.TriggerSchedule, end)
}

// outcome tells of a refresh: the state after it, what the observer was told, how often the server was called, and
// what became of the grant when all was well again.
func (w *world) outcome(id tokenstore.ID, told *told, trigger tokenstore.Trigger, end func()) string {
	w.t.Helper()
	words, calls := told.refreshes(trigger), w.server.Refreshes()-told.calls
	s, err := w.Status(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	end()
	state := string(s.State)
	if s.Reason != "" {
		state += " " + string(s.Reason)
	}
	if len(told.pauses()) > 0 {
		state += ", provider paused"
	}
	return fmt.Sprintf("%s; told %s; %s; then %s", state, words, times(calls), w.laterOn(id))
}

// laterOn tells what becomes of a connection once the server is well again.
func (w *world) laterOn(id tokenstore.ID) string {
	w.t.Helper()
	time.Sleep(2 * time.Hour)
	tok, err := w.Token(w.t.Context(), id, tokenstore.Want{})
	switch {
	case err == nil && w.accepted(tok):
		return "well"
	case errors.Is(err, tokenstore.ErrNotFound):
		return "none"
	}
	if needed, ok := errors.AsType[*tokenstore.ConsentNeededError](err); ok {
		return string(needed.Reason)
	}
	return fmt.Sprintf("err %v", err)
}

func playExchange(w *world, f serverFault) string {
	w.t.Helper()
	id := tokenstore.ID{Provider: demo.Provider, Name: "exchange"}
	callback := w.approve(w.begin(id))
	end := w.strike(f, "", "authorization_code")
	told := w.listen()
	before := w.exchanges()
	_, err := w.FinishConsent(w.t.Context(), callback)
	calls := w.exchanges() - before
	end()
	result := "finished"
	for word, kind := range map[string]error{
		"unavailable": tokenstore.ErrUnavailable, "misconfigured": tokenstore.ErrMisconfigured, "invalid": tokenstore.ErrInvalidConsent,
	} {
		if errors.Is(err, kind) {
			result = word
		}
	}
	if consented := told.consents(); consented != (err == nil) {
		w.t.Errorf("%s: consented %t, and FinishConsent returned %v", f.name, consented, err)
	}
	return fmt.Sprintf("%s; %s; then %s", result, times(calls), w.laterOn(id))
}

func playRevocation(w *world, f serverFault) string {
	w.t.Helper()
	id := tokenstore.ID{Provider: demo.Provider, Name: "revocation"}
	w.connect(id)
	end := w.strike(f, "/oauth2/revoke", "")
	told := w.listen()
	before := w.server.Requests("/oauth2/revoke")
	if err := w.Delete(w.t.Context(), id); err != nil {
		w.t.Errorf("%s: Delete returned %v", f.name, err)
	}
	calls := w.server.Requests("/oauth2/revoke") - before
	words := "nothing"
	for _, trouble := range told.troubles() {
		_, words, _ = strings.Cut(trouble, "oauth revoke: ")
	}
	end()
	return fmt.Sprintf("told %s; %s; then %s", words, times(calls), w.laterOn(id))
}

func times(n int) string {
	return [...]string{"no call", "one call", "two calls"}[min(n, 2)] + strings.Repeat(" too many", max(0, n-2))
}
