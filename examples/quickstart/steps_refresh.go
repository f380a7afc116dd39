package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// How the refreshes are watched.
const (
	requestInterval = 50 * time.Millisecond
	// slowRefresh is how long the stand-in takes for each refresh meanwhile. A
	// request that waited for one could be told by it.
	slowRefresh = 500 * time.Millisecond
)

func refreshStep() step {
	return step{
		name: "Tokens come and go, and no request notices",
		text: fmt.Sprintf("Twenty requests a second are forwarded, while each token lives for %d seconds. Caddy refreshes it "+
			"ahead of time, in the background, and the stand-in now takes half a second for that.",
			int(tokenLifetime.Seconds())),
		run: watchRefreshes,
	}
}

func watchRefreshes(ctx context.Context, d *demo, p *printer) (string, error) {
	wanted := 3
	if d.once {
		wanted = 2
	}
	d.standin.Script(standin.Fault{GrantType: "refresh_token", Times: standin.Always, Delay: slowRefresh})
	defer d.standin.ClearFaults()
	s := &stream{call: d.accountCall(), client: d.client, interval: requestInterval}
	p.command(s.call.curl())

	began := time.Now()
	streaming, stop := context.WithCancel(ctx)
	replies := make(chan []reply, 1)
	go func() { replies <- s.run(streaming) }()
	changes, err := d.watchToken(ctx, p, s, wanted)
	stop()
	all := <-replies
	if err != nil {
		return "", err
	}
	if n := d.refusals(); n > 0 {
		// Caddy would hide that: it gets a new token and sends the request again.
		return "", unexpected{want: "requests with a valid token only", got: fmt.Sprintf("%d that the API refused", n)}
	}
	return judge(p, all, changes, d.refreshesSince(began))
}

// accountCall asks the API whose account it is.
func (d *demo) accountCall() call {
	return call{method: http.MethodPost, url: d.site() + "/dropbox/2/users/get_current_account"}
}

// refreshesSince returns when the stand-in received refreshes.
func (d *demo) refreshesSince(began time.Time) []time.Time {
	var times []time.Time
	for _, e := range d.standin.Journal() {
		if e.GrantType == "refresh_token" && e.Time.After(began) {
			times = append(times, e.Time)
		}
	}
	return times
}

// refusals returns how many requests the stand-in answered with 401.
func (d *demo) refusals() int {
	n := 0
	for _, e := range d.standin.Journal() {
		if e.Status == http.StatusUnauthorized {
			n++
		}
	}
	return n
}

// judge says whether requests failed or had to wait.
func judge(p *printer, all []reply, changes int, refreshes []time.Time) (string, error) {
	if failed := failures(all); len(failed) > 0 {
		return "", fmt.Errorf("%d of %d requests failed; the first one: %w", len(failed), len(all), failed[0])
	}
	during := 0
	for _, at := range refreshes {
		n := within(all, at, at.Add(slowRefresh))
		if n == 0 {
			return "", unexpected{want: "requests that are answered while a refresh is under way", got: "none"}
		}
		during += n
	}
	p.blank()
	p.row("requests", fmt.Sprintf("%d, 0 failed, 0 with a token that had expired", len(all)))
	p.row("during refreshes", fmt.Sprintf("%d began and ended while a refresh was under way", during))
	p.row("slowest request", fmt.Sprintf("%s; each refresh took the stand-in %s", rounded(slowest(all)), rounded(slowRefresh)))
	return fmt.Sprintf("%d requests, 0 failed, none waited; the token changed %d times", len(all), changes), nil
}
