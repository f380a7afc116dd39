package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	secondsAtOnce = 5 // Caddys that want the file of another one at the same time
	// secondPatience is how long one of them may take to give up. It waits a second for the file; a machine as busy as
	// that of CI takes its time to start it.
	secondPatience = 10 * time.Second
)

// A second Caddy on the same database says which one it is and ends. The first is unharmed, and when it has crashed, the second
// can have the file at once.
func TestASecondCaddyOnTheSameFileIsRefused(t *testing.T) {
	first, second := newCaddy(t), newCaddy(t)
	second.disk = first.dir
	server := newDropbox(t, first, standin.Options{Rotation: standin.RotateAlways, Grace: time.Hour, JournalSize: 1 << 20})
	first.start(first.caddyfile(dropboxProvider(server), dropboxSite))
	importGrant(t, first, server, "auth")
	ids := []string{"dropbox-demo/auth"}

	var longest time.Duration
	takeovers, refused := soaktest.Times(2, 20), 0
	for range takeovers {
		config := second.caddyfile(dropboxProvider(server), dropboxSite)
		clients := startLoad(first, proxyRoute, endpointRoute)
		for range 2 {
			longest = max(longest, second.wantRefusals(config))
			refused += secondsAtOnce
		}
		for name, tally := range clients.halt() {
			if tally.ok == 0 || tally.failed > 0 || tally.cut > 0 || len(tally.statuses) > 0 {
				t.Errorf("%s of the first: %s", name, tally)
			}
		}
		checkRefreshes(t, first, server, ids)
		first.kill()
		second.start(config)
		checkRefreshes(t, second, server, ids)
		first, second = second, first
	}
	t.Logf("%d second Caddys refused, the slowest after %s; %d took over after a crash", refused, longest.Round(time.Millisecond), takeovers)
}

// wantRefusals runs the configuration many times at once, each of which has to end because of the file. It returns how long
// the slowest took.
func (c *caddyServer) wantRefusals(config string) (longest time.Duration) {
	c.t.Helper()
	file := c.write(config)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for n := range secondsAtOnce {
		wg.Go(func() {
			took := c.wantRefusal(file, fmt.Sprintf("unix/%s-%d", c.socket(), n))
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, took)
		})
	}
	wg.Wait()
	return longest
}

// wantRefusal is for one of them, which has an admin API of its own, or it would end because of that.
func (c *caddyServer) wantRefusal(file, admin string) time.Duration {
	began := time.Now()
	cmd := c.command("run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(slices.Clone(cmd.Env), "CADDY_ADMIN="+admin)
	hanging := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	out, err := cmd.CombinedOutput()
	hanging.Stop()
	took := time.Since(began)
	if err == nil || took > secondPatience {
		c.t.Errorf("a second Caddy ended after %s with %v: %s", took, err, out)
	}
	for _, want := range []string{c.database(), "another process"} {
		if !strings.Contains(string(out), want) {
			c.t.Errorf("it does not say %q: %s", want, out)
		}
	}
	return took
}
