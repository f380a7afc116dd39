package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	// exitGrace is how long Caddy may take to end: it waits ten seconds for the refreshes under way.
	exitGrace = 14 * time.Second
	// termMoments is how many moments of a quick refresh the signal comes at, beside the steps that are held.
	termMoments = 8
	// termCaddys is how many Caddys end at the same time, since most of it is waiting.
	termCaddys = 4
)

// termStep is what a refresh is at when the signal comes.
type termStep struct {
	name   string
	faults []standin.Fault
	after  time.Duration // from when the server has met them all to the signal
	repeat int           // how many refresh tokens are sent twice, at most
}

func termSteps() []termStep {
	steps := []termStep{
		{"the server has not looked at it", []standin.Fault{{Delay: time.Second}}, 0, 0},
		{"the answer is held back", []standin.Fault{{Stage: standin.After, Delay: time.Second}}, 0, 0},
		{"a part of the answer is there", []standin.Fault{{Stage: standin.After, Drip: 3 * time.Millisecond}}, 300 * time.Millisecond, 0},
		{"the answer was cut, and the second one is held back", []standin.Fault{
			{Stage: standin.After, Cut: true, CutAfter: 20}, {Stage: standin.After, Delay: time.Second},
		}, 0, 1},
		{"a failure is waited out", []standin.Fault{{Status: http.StatusServiceUnavailable}}, 200 * time.Millisecond, 1},
		{"the answer takes longer than Caddy waits", []standin.Fault{{Stage: standin.After, Delay: time.Minute}}, 0, 1},
	}
	for i := range termMoments {
		after := time.Duration(i) * 300 * time.Microsecond
		steps = append(steps, termStep{fmt.Sprintf("%s after its arrival", after), []standin.Fault{{Delay: time.Nanosecond}}, after, 0})
	}
	return steps
}

// When Caddy is asked to end, it ends in time, and what the server granted is there at the next start. A
// refresh whose answer does not come in time is the only one that has to be asked for again.
func TestSIGTERMAtEachStepOfARefreshLosesNothing(t *testing.T) {
	var seen termTally
	var all []termStep
	for range soaktest.Times(1, 50) {
		all = append(all, termSteps()...)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	steps := make(chan termStep, len(all))
	for _, step := range all {
		steps <- step
	}
	close(steps)
	atOnce(t, soaktest.Times(termCaddys, 2*termCaddys), func(t *testing.T) { termMany(t, &seen, steps) })
	t.Logf("%d signals, none lost a grant; Caddy took at most %s to end", seen.signals, seen.longest.Round(time.Millisecond))
	if seen.signals < len(all) {
		t.Errorf("there were to be %d signals", len(all))
	}
}

// termTally counts signals.
type termTally struct {
	mu      sync.Mutex
	signals int           // guarded by mu
	longest time.Duration // guarded by mu
}

func (s *termTally) add(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals++
	s.longest = max(s.longest, took)
}

// termMany asks one Caddy to end at each of the steps that it gets.
func termMany(t *testing.T, seen *termTally, steps <-chan termStep) {
	t.Helper()
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{
		Rotation: standin.RotateAlways, Grace: time.Hour, AccessLifetime: time.Second, JournalSize: 1 << 20,
	})
	config := c.caddyfile(dropboxProvider(server), dropboxSite)
	c.start(config)
	importGrant(t, c, server, "auth")

	for step := range steps {
		_, before := refreshesSeen(server)
		server.Script(step.faults...)
		took := c.endDuring(server, step)
		seen.add(took)
		if took > exitGrace {
			t.Errorf("%s: Caddy took %s to end", step.name, took)
		}
		c.start(config)
		status, answer, err := c.tryAdmin(http.MethodPost, "/token_store/connections/dropbox-demo/auth/refresh", nil)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: the grant is lost: status %d, %v: %s", step.name, status, err, answer)
		}
		if _, after := refreshesSeen(server); after-before > step.repeat {
			t.Errorf("%s: %d refresh tokens were sent twice, want at most %d", step.name, after-before, step.repeat)
		}
	}
	checkFamilies(t, server)
}

// endDuring sends SIGTERM when a refresh is at the step, and returns how long Caddy took to end.
func (c *caddyServer) endDuring(server *standin.Server, step termStep) time.Duration {
	c.t.Helper()
	eventually(c.t, time.Minute, step.name+": no refresh", func() bool { return server.PendingFaults() == 0 })
	timer := time.NewTimer(step.after)
	<-timer.C
	began := time.Now()
	c.signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		c.t.Fatalf("%s: Caddy does not end", step.name)
	}
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Errorf("%s: Caddy ended with status %d", step.name, code)
	}
	return time.Since(began)
}
