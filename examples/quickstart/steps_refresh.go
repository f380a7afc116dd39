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
	lookInterval    = 200 * time.Millisecond
	// slowRefresh is how long the stand-in takes for each refresh meanwhile. A
	// request that waited for one could be told by it.
	slowRefresh = 500 * time.Millisecond
)

func refreshStep() step {
	return step{
		name: "Tokens come and go, and no request notices",
		text: fmt.Sprintf("Twenty requests a second are forwarded, while each token lives for %d seconds. Caddy refreshes it "+
			"ahead of time, in the background. The stand-in now takes half a second for each refresh.",
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
	return judge(p, all, changes, d.refreshesSince(began))
}

// accountCall asks the API whose account it is.
func (d *demo) accountCall() call {
	return call{method: http.MethodPost, url: d.site() + "/dropbox/2/users/get_current_account"}
}

// watchToken looks at the token until it changed so many times, and returns how often it did.
func (d *demo) watchToken(ctx context.Context, p *printer, s *stream, wanted int) (changes int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(wanted+1)*tokenLifetime)
	defer cancel()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	began, last := time.Now(), ""
	for {
		a, err := d.tokenCall().send(ctx, d.client)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return changes, err
		}
		t, err := readToken(a)
		if err != nil {
			return changes, err
		}
		if t.AccessToken != last {
			if last != "" {
				changes++
			}
			last = t.AccessToken
			p.line(fmt.Sprintf("%6.1f s  %s  %s", time.Since(began).Seconds(), hideTokens(last),
				p.style(fmt.Sprintf("after %d requests", s.count()), dim)))
		}
		if changes == wanted {
			return changes, nil
		}
		p.progress("%6.1f s  %d requests, the token is good for %.1f s more", time.Since(began).Seconds(), s.count(), time.Until(t.ExpiresAt).Seconds())
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	return changes, unexpected{
		want: fmt.Sprintf("%d new tokens within %s", wanted, rounded(time.Since(began))), got: fmt.Sprint(changes),
	}
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
	p.row("requests", fmt.Sprintf("%d, 0 failed", len(all)))
	p.row("during refreshes", fmt.Sprintf("%d began and ended while a refresh was under way", during))
	p.row("slowest request", fmt.Sprintf("%s; each refresh took the stand-in %s", rounded(slowest(all)), rounded(slowRefresh)))
	return fmt.Sprintf("%d requests, 0 failed, none waited; the token changed %d times", len(all), changes), nil
}
