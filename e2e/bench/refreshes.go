package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	refreshRate     = 300             // a second
	refreshable     = 3000            // connections, which are due more often than that
	refreshLifetime = 5 * time.Second // of their tokens
	settling        = 300 * time.Millisecond
	refreshGoal     = 1.25 // the p99 with refreshes ÷ that without, at most
)

// refreshClients are how many send requests meanwhile: where the machine has time to spare, where it has none, and in between.
func refreshClients() []int { return []int{1, 16, 64} }

// refreshing is what requests took with refreshes under way and without, round by round.
type refreshing struct {
	Connections int     `json:"connections"`
	PerSecond   float64 `json:"per_second"` // refreshes a second that there were
	Without     *series `json:"without"`
	With        *series `json:"with"`
	// Control is without refreshes in Caddy, while another process does the least that as many can cost.
	Control *series `json:"control"`
}

// refresh measures what refreshes cost the requests that go on meanwhile.
func (b *bench) refresh(ctx context.Context, o options, say func(string, ...any)) (all []*refreshing, err error) {
	if err := b.fillOnce(ctx, tokenProxy, o.stored, say); err != nil {
		return nil, err
	}
	a, err := b.startAuthServer(ctx, 2*refreshable)
	if err != nil {
		return nil, err
	}
	defer a.stop()
	others, err := b.refreshers(ctx, a)
	if err != nil {
		return nil, err
	}
	defer others.stop()
	for _, connections := range refreshClients() {
		say("%d refreshes a second, %d connections", refreshRate, connections)
		found, err := b.alternate(ctx, o, others, connections)
		if err != nil {
			return nil, err
		}
		for _, v := range found.judge() {
			say("%s: %s, to reach %s: %s", v.What, v.Found, v.Goal, v.word())
		}
		all = append(all, found)
	}
	return all, nil
}

// judge says whether the goal was reached, and what the control has.
func (f *refreshing) judge() []verdict {
	at := fmt.Sprintf(", %d connections", f.Connections)
	return []verdict{
		atMost(refreshGoal, fmt.Sprintf("p99 with %.0f refreshes a second ÷ without", f.PerSecond)+at, p99.ratio(f.With, f.Without)),
		control("the same with the least that as many refreshes can cost, in another process"+at, p99.ratio(f.Control, f.Without)),
	}
}

// situation is a Caddy under load, and what has to run meanwhile; it is stopped at other times.
type situation struct {
	*runner
	beside *process // nil: nothing
}

// alternate sends requests in the three situations, in a new order each round.
func (b *bench) alternate(ctx context.Context, o options, others *refreshers, connections int) (*refreshing, error) {
	in := cell{Connections: connections, Size: kibibyte}
	situations := []situation{{}, {beside: others.bare}, {beside: others.due.process}}
	for i, name := range []string{tokenProxy, tokenProxy, tokenProxyDue} {
		if err := situations[i].begin(); err != nil {
			return nil, err
		}
		r, err := b.newRunner(ctx, in, name)
		if err != nil {
			return nil, err
		}
		defer r.close()
		situations[i].runner = r
		if err := situations[i].end(); err != nil {
			return nil, err
		}
	}
	found := &refreshing{Connections: connections, Without: situations[0].series, Control: situations[1].series, With: situations[2].series}
	var refreshed, rounds float64
	for round := range o.refreshes + 1 {
		for _, i := range rand.Perm(len(situations)) {
			s, perSecond, err := situations[i].sample(ctx, o.promises.turn)
			if err != nil {
				return nil, err
			}
			if round == 0 {
				continue // it was to warm up
			}
			situations[i].Samples = append(situations[i].Samples, s)
			if situations[i].Name == tokenProxyDue {
				refreshed, rounds = refreshed+perSecond, rounds+1
			}
		}
	}
	found.PerSecond = refreshed / rounds
	return found, nil
}

func (s *situation) begin() error { return s.beside.resume() }
func (s *situation) end() error   { return s.beside.pause() }

// sample lets the clients work for a while. It also returns how many refreshes a second there were, of this Caddy.
func (s *situation) sample(ctx context.Context, length time.Duration) (found sample, perSecond float64, err error) {
	if err := s.begin(); err != nil {
		return sample{}, 0, err
	}
	time.Sleep(settling) // in all situations
	before, err := s.competitor.refreshes(ctx)
	if err != nil {
		return sample{}, 0, err
	}
	began := time.Now()
	if found, err = s.runner.sample(ctx, length); err != nil {
		return sample{}, 0, fmt.Errorf("%s: %w", s.Name, err)
	}
	took := time.Since(began)
	after, err := s.competitor.refreshes(ctx)
	if err != nil {
		return sample{}, 0, err
	}
	return found, (after - before) / took.Seconds(), s.end()
}
