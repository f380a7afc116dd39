package main

import (
	"context"
	"fmt"
	"time"
)

// lookInterval is how often the token is looked at.
const lookInterval = 200 * time.Millisecond

// watchToken looks at the token until it changed so many times, and returns how often it did.
func (d *demo) watchToken(ctx context.Context, p *printer, s *stream, wanted int) (changes int, err error) {
	began := time.Now()
	last, err := d.lookAtToken(ctx)
	if err != nil {
		return 0, err
	}
	tell := func() {
		p.line(fmt.Sprintf("%6.1f s  %s  %s", time.Since(began).Seconds(), hideTokens(last.AccessToken),
			p.style(fmt.Sprintf("after %d requests", s.count()), dim)))
	}
	tell()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for changes < wanted {
		if time.Since(began) > time.Duration(wanted+1)*tokenLifetime {
			return changes, unexpected{want: fmt.Sprintf("%d new tokens by now", wanted), got: fmt.Sprint(changes)}
		}
		select {
		case <-ctx.Done():
			return changes, ctx.Err()
		case <-tick.C:
		}
		now, err := d.lookAtToken(ctx)
		if err != nil {
			return changes, err
		}
		if now.AccessToken != last.AccessToken {
			changes, last = changes+1, now
			tell()
		}
		p.progress("%6.1f s  %d requests, the token is good for %.1f s more",
			time.Since(began).Seconds(), s.count(), time.Until(now.ExpiresAt).Seconds())
	}
	return changes, nil
}

// lookAtToken asks for the token.
func (d *demo) lookAtToken(ctx context.Context) (token, error) {
	a, err := d.tokenCall().send(ctx, d.client)
	if err != nil {
		return token{}, err
	}
	return readToken(a)
}
