package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// route is a kind of request that clients send again and again.
type route struct {
	name, path, body string
	contentType      string
}

// The routes of dropboxSite. They are all POST, so that no client may quietly send
// one again on another connection.
var (
	proxyRoute    = route{"token_proxy", "/dropbox/2/files/list_folder", `{"path":""}`, "application/json"}
	endpointRoute = route{"token_endpoint", "/token", "", "text/plain"}
	stockRoute    = route{"respond", "/plain", "", "text/plain"}
)

// tally is what came of the requests of one kind.
type tally struct {
	ok       int
	failed   int            // no answer: refused, reset, closed
	cut      int            // an answer that ended too early
	statuses map[int]int    // of answers other than 200
	bodies   map[string]int // of those, abridged
}

func (c tally) String() string {
	return fmt.Sprintf("%d ok, %d without an answer, %d cut, other statuses %v %v", c.ok, c.failed, c.cut, c.statuses, c.bodies)
}

// load is clients at work: for each route one that keeps its connection and one that takes
// a fresh one for each request.
type load struct {
	t    *testing.T
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	tallies map[string]*tally
}

// startLoad sends requests until halt is called or the test ends.
func startLoad(c *caddyServer, routes ...route) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: c.t, stop: cancel, tallies: make(map[string]*tally)}
	for _, r := range routes { // all of them before the first client begins, which reads the map
		l.tallies[r.name] = &tally{statuses: make(map[int]int), bodies: make(map[string]int)}
	}
	for _, r := range routes {
		for _, fresh := range []bool{false, true} {
			l.wg.Go(func() { l.work(ctx, c.url(r.path), r, fresh) })
		}
	}
	c.t.Cleanup(func() { l.halt() })
	return l
}

// halt ends all clients and returns what came of their requests, by the name of the route.
func (l *load) halt() map[string]tally {
	l.stop()
	l.wg.Wait()
	all := make(map[string]tally)
	for name, c := range l.tallies {
		all[name] = *c
	}
	return all
}

// await returns when each route has been answered so many times more.
func (l *load) await(n int) {
	l.t.Helper()
	answered := func() map[string]int {
		l.mu.Lock()
		defer l.mu.Unlock()
		counts := make(map[string]int)
		for name, c := range l.tallies {
			counts[name] = c.ok
		}
		return counts
	}
	before := answered()
	eventually(l.t, time.Minute, "clients are not answered", func() bool {
		for name, now := range answered() {
			if now < before[name]+n {
				return false
			}
		}
		return true
	})
}

// loadPace is the time between two requests of a client. Without a pause, the
// clients would take the processor away from what they are to test.
const loadPace = 4 * time.Millisecond

func (l *load) work(ctx context.Context, url string, r route, fresh bool) {
	transport := &http.Transport{DisableKeepAlives: fresh, DialContext: new(net.Dialer).DialContext}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	tick := time.NewTicker(loadPace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.request(client, url, r)
		}
	}
}

func (l *load) request(client *http.Client, url string, r route) {
	resp, err := client.Post(url, r.contentType, strings.NewReader(r.body))
	var body []byte
	var cut error
	if err == nil {
		body, cut = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.tallies[r.name]
	switch {
	case err != nil:
		c.failed++
	case cut != nil:
		c.cut++
	case resp.StatusCode == http.StatusOK:
		c.ok++
	default:
		c.statuses[resp.StatusCode]++
		c.bodies[string(tail(body, 300))]++
	}
}
