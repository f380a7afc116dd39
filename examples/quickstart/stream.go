package main

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// stream sends a request at every tick, whether or not the last one was answered: a
// client that waits would hide that it has to.
type stream struct {
	call     call
	client   *http.Client
	interval time.Duration

	wg sync.WaitGroup

	mu      sync.Mutex
	replies []reply // guarded by mu
}

// reply is what came of one request.
type reply struct {
	began, ended time.Time
	err          error // also if the status is not 200
}

// run sends requests until ctx ends, and returns what came of all of them.
func (s *stream) run(ctx context.Context) []reply {
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		// Requests are not cut off by the end of the stream.
		s.wg.Go(func() { s.request(context.WithoutCancel(ctx)) })
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	s.wg.Wait()
	return s.replies
}

func (s *stream) request(ctx context.Context) {
	r := reply{began: time.Now()}
	a, err := s.call.send(ctx, s.client)
	r.ended, r.err = time.Now(), err
	if err == nil {
		r.err = a.wantsOK()
	}
	s.mu.Lock()
	s.replies = append(s.replies, r)
	s.mu.Unlock()
}

// count returns how many requests were answered so far.
func (s *stream) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.replies)
}

// failures returns the errors among replies.
func failures(replies []reply) []error {
	var errs []error
	for _, r := range replies {
		if r.err != nil {
			errs = append(errs, r.err)
		}
	}
	return errs
}

// slowest returns the longest time that a request took.
func slowest(replies []reply) time.Duration {
	longest := slices.MaxFunc(replies, func(a, b reply) int { return cmp.Compare(a.ended.Sub(a.began), b.ended.Sub(b.began)) })
	return longest.ended.Sub(longest.began)
}

// within returns how many requests both began and ended between the two times.
func within(replies []reply, from, to time.Time) int {
	n := 0
	for _, r := range replies {
		if r.began.After(from) && r.ended.Before(to) {
			n++
		}
	}
	return n
}
