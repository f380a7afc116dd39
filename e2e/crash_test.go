package e2e

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	crashCaddys      = 4 // that crash at the same time, since half of it is waiting
	crashConnections = 4 // beside the one that clients use
	// crashGrace is how long the server still takes the refresh token before the last one, as
	// many do so that a client which crashed can recover.
	crashGrace = 30 * time.Second
	// restartPatience is how long a busy machine may take to start Caddy. A quiet one takes a tenth of a second.
	restartPatience = 10 * time.Second
)

// However Caddy ends, no grant is lost. Refresh tokens are good for one use, and are
// used all the time.
func TestCrashesLoseNoGrant(t *testing.T) {
	var seen crashTally
	crashes := soaktest.Times(100, 2_000)
	atOnce(t, crashCaddys, func(t *testing.T) { crashMany(t, &seen, crashes) })
	t.Logf("%d crashes, %d refreshes, %d answers lost and asked for again, %d of %d grants lost; a token served at most %s after a start",
		seen.crashes.Load(), seen.refreshes, seen.repeated, seen.lost, seen.grants, seen.longest.Round(time.Millisecond))
	if seen.repeated == 0 {
		t.Error("no crash hit a refresh on its way, so that this test has shown nothing")
	}
	if seen.longest > restartPatience {
		t.Errorf("no token was served for %s after a start", seen.longest)
	}
}

// crashTally counts crashes and what came of them.
type crashTally struct {
	crashes atomic.Int64

	mu                                sync.Mutex
	refreshes, repeated, lost, grants int           // guarded by mu
	longest                           time.Duration // guarded by mu
}

// crashMany lets one Caddy crash until there are enough crashes of all.
func crashMany(t *testing.T, seen *crashTally, enough int) {
	t.Helper()
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{
		Rotation: standin.RotateAlways, Grace: crashGrace,
		AccessLifetime: 2 * time.Second, JournalSize: 1 << 20,
	})
	// Between a refresh and its answer is where a crash hurts: make that time longer.
	server.Script(standin.Fault{
		GrantType: "refresh_token", Stage: standin.After, Times: standin.Always, Delay: 20 * time.Millisecond,
	})
	config := c.caddyfile(dropboxProvider(server), dropboxSite)
	c.start(config)
	ids := importGrants(t, c, server, crashConnections)

	var longest time.Duration
	for n := seen.crashes.Add(1); n <= int64(enough) && !t.Failed(); n = seen.crashes.Add(1) {
		longest = max(longest, crash(t, c, server, config, int(n)))
		for _, id := range ids {
			if conn := connection(t, c, id); conn.State == "needs_consent" || conn.State == "damaged" {
				t.Fatalf("%s after crash %d: %s %s", id, n, conn.State, conn.Reason)
			}
		}
	}
	seen.crashes.Add(-1) // the one too many

	lost := 0
	for _, id := range ids {
		status, answer, err := c.tryAdmin(http.MethodPost, "/token_store/connections/"+id+"/refresh", nil)
		if err != nil || status != http.StatusOK {
			t.Errorf("%s cannot be refreshed: status %d, %v: %s", id, status, err, answer)
			lost++
		}
	}
	checkFamilies(t, server)
	all, repeated := refreshesSeen(server)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	seen.refreshes, seen.repeated = seen.refreshes+all, seen.repeated+repeated
	seen.lost, seen.grants = seen.lost+lost, seen.grants+len(ids)
	seen.longest = max(seen.longest, longest)
}

// crash lets Caddy crash while clients use it, and returns how long it took to give out a token again.
func crash(t *testing.T, c *caddyServer, server *standin.Server, config string, n int) time.Duration {
	t.Helper()
	clients := startLoad(c, proxyRoute, endpointRoute)
	awaitMoment(t, server, n)
	c.kill()
	for name, tally := range clients.halt() {
		if len(tally.statuses) > 0 {
			t.Errorf("%s before crash %d: %s", name, n, tally)
		}
	}
	return c.restart(config)
}

// restart starts Caddy again, and returns how long it took until it gave out a token.
func (c *caddyServer) restart(caddyfile string) time.Duration {
	c.t.Helper()
	began := time.Now()
	c.run(c.write(caddyfile))
	eventually(c.t, time.Minute, "Caddy gives out no token", func() bool {
		resp, err := c.get(endpointRoute.path)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	took := time.Since(began)
	c.awaitReady()
	return took
}

// awaitMoment returns when Caddy is to be killed: with every other crash while an answer of
// the token endpoint is on its way, else at any time.
func awaitMoment(t *testing.T, server *standin.Server, n int) {
	t.Helper()
	if n%2 == 0 {
		before := server.Refreshes()
		eventually(t, time.Minute, "no refresh", func() bool { return server.Refreshes() > before })
		return
	}
	timer := time.NewTimer(rand.N(300 * time.Millisecond))
	defer timer.Stop()
	<-timer.C
}
