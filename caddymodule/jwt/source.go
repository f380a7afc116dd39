package jwt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// freshFor is how long a key set is used before it is asked for again, while callers go on with the old one. It is how
	// long a key works after the issuer has withdrawn it.
	freshFor = 15 * time.Minute
	// trustedFor is how long a key set is used if the issuer cannot be reached.
	trustedFor = 24 * time.Hour
	// minInterval is between two questions to the issuer, whatever the tokens say.
	minInterval = time.Minute
	// firstBackoff is the time after a first failure; it doubles up to minInterval.
	firstBackoff = time.Second
	// patience is how long a caller waits.
	patience = 5 * time.Second
)

// source keeps the keys of an issuer. It is safe for concurrent use.
type source struct {
	fetch func(context.Context) (*keySet, error)
	now   func() time.Time
	log   *zap.Logger

	mu       sync.Mutex    // guards what follows
	set      *keySet       // the newest; nil: there is none yet
	since    time.Time     // when set was fetched
	flight   chan struct{} // closed when the fetch under way is over; nil: there is none
	next     time.Time     // no fetch begins before
	failures int           // since the last success
	failed   error         // why the last fetch failed; nil if it did not
	told     time.Time     // when the log heard of a failure
}

// trusted returns the keys to verify with. It waits for the issuer only if there are none that may be used.
func (s *source) trusted(ctx context.Context) (*keySet, error) {
	s.mu.Lock()
	now, set := s.now(), s.set
	age := now.Sub(s.since)
	if set != nil && age >= freshFor {
		s.begin(now)
	}
	s.mu.Unlock()
	if set != nil && age < trustedFor {
		return set, nil
	}
	return s.newer(ctx, set)
}

// newer returns a key set that was fetched after old, or old itself if the issuer was asked a moment ago. An error wraps
// ErrUnreachable if the issuer, when it was asked last, did not answer, and is that of ctx if this
// ends first.
func (s *source) newer(ctx context.Context, old *keySet) (*keySet, error) {
	s.mu.Lock()
	if s.set == old {
		s.begin(s.now())
	}
	flight := s.flight
	s.mu.Unlock()
	if flight != nil {
		if err := wait(ctx, flight); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == old && s.failed != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, s.failed)
	}
	return s.set, nil
}

func wait(ctx context.Context, flight <-chan struct{}) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-flight:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: %w", ErrUnreachable, errTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin starts a fetch, unless one is under way or it is too early. It ends by itself, whatever
// becomes of the callers: what one of them asked for, all of them need. s.mu is held.
func (s *source) begin(now time.Time) {
	if s.flight != nil || now.Before(s.next) {
		return
	}
	flight := make(chan struct{})
	s.flight = flight
	go func() {
		defer close(flight)
		set, err := s.guarded()
		s.land(set, err)
	}()
}

// guarded turns a panic into an error: no answer of an issuer may end the process.
func (s *source) guarded() (set *keySet, err error) {
	defer func() {
		if p := recover(); p != nil {
			set, err = nil, errPanic
		}
	}()
	return s.fetch(context.Background())
}

// land records what came of a fetch.
func (s *source) land(set *keySet, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.flight = nil
	if err != nil {
		s.next = now.Add(min(firstBackoff<<min(s.failures, 6), minInterval))
		s.failures++
		s.failed = err
		s.tell(now)
		return
	}
	if s.failures > 0 {
		s.log.Info("the issuer's keys can be had again")
	}
	s.set, s.since, s.next = set, now, now.Add(minInterval)
	s.failures, s.failed, s.told = 0, nil, time.Time{}
}

// tell logs a failure, unless another one was logged just before.
func (s *source) tell(now time.Time) {
	if !s.told.IsZero() && now.Sub(s.told) < minInterval {
		return
	}
	s.told = now
	s.log.Error("the issuer's keys cannot be had", zap.Error(s.failed), zap.Bool("old_keys", s.set != nil && now.Sub(s.since) < trustedFor))
}
