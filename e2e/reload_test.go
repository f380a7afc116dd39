package e2e

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	reloadRefreshes   = 5 // of each connection on the average: reloads go on until there are
	reloadConnections = 4 // beside the one that clients use
)

// reloadSite is dropboxSite, but for one thing: a request that outlives its configuration
// may leave a connection behind, which Caddy closes only when it was idle for long enough. Nobody
// wants to wait two minutes for that.
const reloadSite = `
	token_endpoint /token dropbox-demo/auth
	handle_path /dropbox/* {
		token_proxy dropbox-demo/auth {
			transport http {
				keepalive 2s
			}
		}
	}
	respond /plain plain`

// Reloads lose nothing: the database is opened once, a refresh token is used
// once, and no client sees an error that plain Caddy would not have shown it.
func TestReloads(t *testing.T) {
	needsProc(t)
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{
		Rotation: standin.RotateAlways, AccessLifetime: 2 * time.Second, JournalSize: 1 << 20,
	})
	config := c.caddyfile(dropboxProvider(server), reloadSite)
	c.start(config)
	ids := importGrants(t, c, server, reloadConnections)

	c.reload(config) // what the first one allocates is no leak
	goroutines := c.goroutines()
	descriptors, _ := c.descriptors(c.database())

	stock, stockConfig := startStock(t)
	// As many clients for the one as for the other.
	again := stockRoute
	again.name = "respond again"
	clients, plain := startLoad(c, proxyRoute, endpointRoute), startLoad(stock, stockRoute, again)
	began, n := time.Now(), 0
	for refreshed := 0; n < soaktest.Times(500, 10_000) || refreshed < reloadRefreshes*len(ids); n++ {
		reloaded := make(chan error, 1)
		go func() { reloaded <- stock.tryReload(stockConfig) }()
		c.reload(config)
		if err := <-reloaded; err != nil {
			t.Fatal(err)
		}
		refreshed = server.Refreshes()
	}
	took := time.Since(began)
	t.Logf("%d reloads in %s, %.0f a second, and as many of the stock Caddy", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
	checkTallies(t, clients.halt(), plain.halt(), n)
	checkRefreshes(t, c, server, ids)
	checkFlat(t, c, goroutines, descriptors)
}

// importGrants makes the connection auth and n others.
func importGrants(t *testing.T, c *caddyServer, server *standin.Server, n int) (ids []string) {
	t.Helper()
	names := []string{"auth"}
	for i := range n {
		names = append(names, fmt.Sprintf("other-%d", i))
	}
	for _, name := range names {
		importGrant(t, c, server, name)
		ids = append(ids, "dropbox-demo/"+name)
	}
	return ids
}

// startStock starts a Caddy that has no token store.
func startStock(t *testing.T) (c *caddyServer, config string) {
	t.Helper()
	c = newCaddy(t)
	config = fmt.Sprintf("{\n\tlog {\n\t\texclude admin http tls\n\t}\n}\nhttp://127.0.0.1:%d {\n\tbind 127.0.0.1\n\trespond /plain plain\n}\n", c.port)
	c.run(c.write(config))
	eventually(t, time.Minute, "the stock Caddy is not ready", func() bool {
		resp, err := c.get(stockRoute.path)
		return err == nil && resp.Body.Close() == nil
	})
	return c, config
}

// checkTallies wants no answer but 200. Requests without an answer are the price
// of the way in which Caddy hands its listeners over: there may be as many as with a stock Caddy.
func checkTallies(t *testing.T, ours, stock map[string]tally, reloads int) {
	t.Helper()
	failed, usual := checkAnswers(t, ours, reloads), checkAnswers(t, stock, reloads)
	// Both numbers are random, and their difference deviates by the root of their sum.
	if most := 1.1*float64(usual) + 4*math.Sqrt(2*float64(usual)+1); float64(failed) > most {
		t.Errorf("%d requests without an answer, and a stock Caddy had %d", failed, usual)
	}
}

// checkAnswers returns how many requests had no answer.
func checkAnswers(t *testing.T, tallies map[string]tally, reloads int) (failed int) {
	t.Helper()
	for name, c := range tallies {
		t.Logf("%-14s %s; %.2f without an answer for each reload", name, c, float64(c.failed)/float64(reloads))
		if c.ok == 0 || c.cut > 0 || len(c.statuses) > 0 {
			t.Errorf("%s: %s", name, c)
		}
		failed += c.failed
	}
	return failed
}

// checkRefreshes wants each refresh token to be used once, and each grant to be alive.
func checkRefreshes(t *testing.T, c *caddyServer, server *standin.Server, ids []string) {
	t.Helper()
	for _, id := range ids {
		c.admin(http.MethodPost, "/token_store/connections/"+id+"/refresh", nil, http.StatusOK)
	}
	if all, repeated := refreshesSeen(server); repeated > 0 {
		t.Errorf("%d of %d refreshes came with a token that was used before", repeated, all)
	}
	checkFamilies(t, server)
}

// checkFlat wants nothing to be left over from the configurations that are gone.
func checkFlat(t *testing.T, c *caddyServer, goroutines, descriptors int) {
	t.Helper()
	const slack = 10 // connections to the stand-in and of this test
	eventually(t, time.Minute, fmt.Sprintf("there were %d goroutines, and more are left", goroutines), func() bool {
		return c.goroutines() <= goroutines+slack
	})
	all, ofDatabase := c.descriptors(c.database())
	if ofDatabase != 1 {
		t.Errorf("the database is open %d times, not once", ofDatabase)
	}
	if all > descriptors+slack {
		t.Errorf("%d files are open, there were %d", all, descriptors)
	}
	t.Logf("goroutines %d, then %d; open files %d, then %d", goroutines, c.goroutines(), descriptors, all)
}
