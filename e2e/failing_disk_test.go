package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
)

// servedMeanwhile is how many requests of each route have to be answered while the disk fails.
const servedMeanwhile = 50

const failedCommits = `caddy_token_store_storage_commits_total{result="error"}`

var diskErrors = []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS}

// Clients see nothing of a disk that fails, before a refresh or in the middle of one: the tokens that there are go on being
// served. No refresh token is spent that could not be kept. Caddy says what is wrong, and needs no new start when it is over.
func TestClientsSeeNothingOfAFailingDisk(t *testing.T) {
	f := newFailingCaddy(t)
	clients := startLoad(f.caddyServer, proxyRoute, endpointRoute)
	failures, longest := 0, time.Duration(0)
	for range soaktest.Times(1, 20) {
		for _, errno := range diskErrors {
			for _, fail := range []func(syscall.Errno){f.failBefore, f.failWithin} {
				failed := f.metric(failedCommits)
				fail(errno)
				if f.metric(failedCommits) == failed {
					t.Errorf("%s: %s has not grown", errno, failedCommits)
				}
				clients.await(servedMeanwhile)
				longest = max(longest, f.heal(errno))
				failures++
			}
		}
	}
	for name, tally := range clients.halt() {
		t.Logf("%-14s %s", name, tally)
		if tally.failed > 0 || tally.cut > 0 || len(tally.statuses) > 0 {
			t.Errorf("%s: %s", name, tally)
		}
	}
	checkRefreshes(t, f.caddyServer, f.server, f.ids)
	t.Logf("%d failures of the disk, none seen by a client; well again within %s", failures, longest.Round(time.Millisecond))
}

// A Caddy that is started on a disk that cannot be written says so, and which one, and starts when it can be.
func TestStartOnAReadOnlyDisk(t *testing.T) {
	f := newFailingCaddy(t)
	f.stop()
	f.errno.Store(int64(syscall.EROFS))
	began := time.Now()
	out, err := f.command("run", "--config", filepath.Join(f.dir, "Caddyfile"), "--adapter", "caddyfile").CombinedOutput()
	if err == nil {
		t.Errorf("Caddy ran: %s", out)
	}
	for _, want := range []string{f.database(), "read-only file system"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	t.Logf("%s after %s: %s", err, time.Since(began).Round(time.Millisecond), tail(out, 600))
	f.errno.Store(0)
	f.start(f.config)
	checkRefreshes(t, f.caddyServer, f.server, f.ids)
}
