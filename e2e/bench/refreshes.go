package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	refreshRate = 300  // a second
	refreshable = 3000 // connections that have a grant
)

// refreshing is what requests took with refreshes under way and without, round by round.
type refreshing struct {
	Connections int     `json:"connections"`
	PerSecond   float64 `json:"per_second"` // refreshes a second that there were
	With        *series `json:"with"`
	Without     *series `json:"without"`
}

// refresh measures what refreshes cost the requests that go on meanwhile: where the machine has time to spare, and where
// it has none.
func (b *bench) refresh(ctx context.Context, o options, say func(string, ...any)) (all []*refreshing, err error) {
	if err := b.fillOnce(ctx, o.stored, say); err != nil {
		return nil, err
	}
	if err := b.connect(ctx, b.competitors[tokenProxy]); err != nil {
		return nil, err
	}
	for _, connections := range []int{1, 16} {
		say("%d refreshes a second, %d connections", refreshRate, connections)
		found := &refreshing{Connections: connections, With: new(series), Without: new(series)}
		if err := b.alternate(ctx, o, found); err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// alternate sends requests with refreshes going on, and without.
func (b *bench) alternate(ctx context.Context, o options, found *refreshing) error {
	runner, err := b.newRunner(ctx, cell{Connections: found.Connections, Size: kibibyte}, tokenProxy)
	if err != nil {
		return err
	}
	defer runner.close()
	var refreshed int
	var lasted time.Duration
	for round := range o.refreshes + 1 {
		for _, with := range rand.Perm(2) {
			into, stop, begin := found.Without, func() (int, error) { return 0, nil }, time.Now()
			if with == 1 {
				into, stop = found.With, b.keepRefreshing(ctx, runner.competitor)
			}
			s, err := runner.sample(ctx, o.promises.turn)
			n, failed := stop()
			if err := errors.Join(err, failed); err != nil {
				return err
			}
			if round == 0 {
				continue // it was to warm up
			}
			into.Samples = append(into.Samples, s)
			if with == 1 {
				refreshed, lasted = refreshed+n, lasted+time.Since(begin)
			}
		}
	}
	found.PerSecond = float64(refreshed) / lasted.Seconds()
	return nil
}

// connect gives connections a grant whose refresh token the stand-in rotates.
func (b *bench) connect(ctx context.Context, c *competitor) error {
	return inParallel(importers, refreshable, func(n int) error {
		grant, err := b.oauth.IssueGrant("id")
		if err != nil {
			return err
		}
		return put(ctx, c.admin, fmt.Sprintf("plain/grant-%d", n), map[string]any{
			"access_token": grant.AccessToken, "refresh_token": grant.RefreshToken, "token_type": "bearer", "expires_in": 14400,
		})
	})
}

// keepRefreshing has connections refreshed, one after the other, until the function that it returns is called, which tells
// how many there were.
func (b *bench) keepRefreshing(ctx context.Context, c *competitor) (stop func() (int, error)) {
	ctx, cancel := context.WithCancel(ctx)
	pace := rate.NewLimiter(refreshRate, 1)
	errs := make([]error, importers)
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range importers {
		wg.Go(func() {
			for errs[i] == nil && pace.Wait(ctx) == nil {
				path := fmt.Sprintf("/token_store/connections/plain/grant-%d/refresh", b.refreshed.Add(1)%refreshable)
				// One that has begun goes on to its end, also when the turn is over.
				errs[i] = call(context.WithoutCancel(ctx), c.admin, http.MethodPost, path, nil)
				done.Add(1)
			}
		})
	}
	return func() (int, error) {
		cancel()
		wg.Wait()
		return int(done.Load()), errors.Join(errs...)
	}
}
