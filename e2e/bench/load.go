package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// load is clients at work on a target. They keep their connections until it is closed, so that a turn
// costs no new ones.
type load struct {
	clients []*client
	times   [][]time.Duration // of each client's requests, kept to be used again
}

// newLoad connects. ctx bounds the life of the connections.
func newLoad(ctx context.Context, t target, connections int) (*load, error) {
	l := &load{times: make([][]time.Duration, connections)}
	for range connections {
		c, err := dial(ctx, t)
		if err != nil {
			l.close()
			return nil, err
		}
		l.clients = append(l.clients, c)
	}
	return l, nil
}

func (l *load) close() {
	for _, c := range l.clients {
		c.close()
	}
}

// turn is what came of one run of a load.
type turn struct {
	requests int
	took     time.Duration
	p50, p99 time.Duration
}

// run has each client send one request after the other for a while.
func (l *load) run(length time.Duration) (turn, error) {
	errs := make([]error, len(l.clients))
	begin := time.Now()
	var wg sync.WaitGroup
	for i, c := range l.clients {
		wg.Go(func() {
			times := l.times[i][:0]
			for at := begin; at.Sub(begin) < length && errs[i] == nil; {
				errs[i] = c.get()
				now := time.Now()
				times = append(times, now.Sub(at))
				at = now
			}
			l.times[i] = times
		})
	}
	wg.Wait()
	t := turn{took: time.Since(begin)}
	all := slices.Concat(l.times...)
	slices.Sort(all)
	t.requests = len(all)
	t.p50, t.p99 = all[len(all)/2], all[len(all)*99/100]
	return t, errors.Join(errs...)
}

// send has each client send so many requests, one after the other.
func (l *load) send(each int) error {
	return inParallel(len(l.clients), len(l.clients), func(i int) error {
		for range each {
			if err := l.clients[i].get(); err != nil {
				return err
			}
		}
		return nil
	})
}
