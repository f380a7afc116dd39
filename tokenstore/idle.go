package tokenstore

import (
	"context"
	"time"
)

// noteAsked remembers that somebody asked for the token. The hot path comes here at most once in a turn of the hot map
// for each token.
func (s *Store) noteAsked(t *Token) {
	t.noted.Store(true)
	s.census.ask(t.ID, s.now())
}

// idle reports whether the connection is to be left to sleep: it is due, and nobody has asked for it in the
// time that its provider is set to. What is in doubt or failing is seen through first.
func (s *Store) idle(st *stored, p *Provider, now time.Time) bool {
	if p.sleepAfter == 0 || st.policy(p).Mode != RefreshEager || st.Intent != nil || st.Attempts > 0 {
		return false
	}
	asked := latest(st.AskedAt, s.census.askedAt(st.id))
	// Of a record that has no time yet nobody knows. Its next refresh begins to count.
	return !asked.IsZero() && now.Sub(asked) >= p.sleepAfter
}

// layToSleep takes the connection out of the schedule. The refresh that somebody causes who asks for it puts it
// back.
func (s *Store) layToSleep(ctx context.Context, st *stored) error {
	st.due = time.Time{}
	return s.commit(ctx, st)
}
