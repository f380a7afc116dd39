package tokenstore

import (
	"context"
	"errors"
)

// redeemDetached is redeem, as a flight of its own behind the one under way. It goes on if ctx ends, also while it waits for that: the
// state is used up, so nobody can bring the code a second time.
func (s *Store) redeemDetached(ctx context.Context, id ID, p *Provider, c ConsentCallback, pend pending) (account string, err error) {
	accounts, ended := make(chan string, 1), make(chan error, 1)
	started := s.inBackground(func(work context.Context) {
		ctx, cancel := context.WithTimeout(work, 2*flightDeadline) // the other one's, and its own
		defer cancel()
		ended <- s.flights.alone(ctx, id, func(ctx context.Context) error {
			account, err := s.redeem(ctx, id, p, c, pend)
			accounts <- account
			return err
		})
	})
	if !started {
		return "", ErrClosed
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case account = <-accounts:
	default: // it did not get so far
	}
	if errors.Is(err, context.Canceled) && s.work.Err() != nil {
		err = ErrClosed
	}
	return account, err
}
