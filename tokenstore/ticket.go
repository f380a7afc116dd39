package tokenstore

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// IssueTicket makes the secret of a login link: who has it may begin the
// consent of id, once, until it expires. It returns the errors of BeginConsent.
func (s *Store) IssueTicket(ctx context.Context, id ID) (ticket string, expires time.Time, err error) {
	if _, err := s.consentProvider(id); err != nil {
		return "", time.Time{}, err
	}
	ticket, expires = oauth.NewState(), s.now().Add(consentLifetime)
	err = s.putPending(ctx, kindTicket, ticket, pending{ID: id.String(), ExpiresAt: expires})
	if err != nil {
		return "", time.Time{}, s.explain(id, err)
	}
	return ticket, expires, nil
}

// CheckTicket returns nil if the ticket would be accepted for id, without
// using it up, and else an error that wraps ErrInvalidConsent.
func (s *Store) CheckTicket(ctx context.Context, id ID, ticket string) error {
	_, err := s.ticket(ctx, id, ticket)
	return s.explain(id, err)
}

// RedeemTicket uses a ticket up. It returns an error that wraps
// ErrInvalidConsent if it is unknown, used, expired or for another connection.
func (s *Store) RedeemTicket(ctx context.Context, id ID, ticket string) error {
	p, err := s.ticket(ctx, id, ticket)
	if err == nil {
		err = s.usePending(ctx, p)
	}
	return s.explain(id, err)
}

func (s *Store) ticket(ctx context.Context, id ID, ticket string) (pending, error) {
	p, err := s.getPending(ctx, kindTicket, ticket)
	if err == nil && p.ID != id.String() {
		return pending{}, fmt.Errorf("%w: begin it again", ErrInvalidConsent)
	}
	return p, err
}
