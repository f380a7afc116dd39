package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// consentLifetime is how long a person may take for a consent, and how long a login
// link is good for.
const consentLifetime = 10 * time.Minute

// ConsentRequest is the start of a consent.
type ConsentRequest struct {
	ID ID
	// RedirectURI is where the authorization server sends the browser back. It
	// must be another one for each provider, so that an answer of one server
	// cannot be taken for another's (RFC 9700 section 4.4).
	RedirectURI string
	// ReturnTo is where the browser goes afterwards; it is opaque here.
	ReturnTo string
}

// Consent is a consent that was begun.
type Consent struct {
	// URL is the authorization server's page, where the browser goes.
	URL string
	// Binding ties the consent to the browser that began it: it is set as a
	// cookie there, and FinishConsent asks for it. 256 random bits, base64url.
	Binding string
	// ExpiresAt is when the consent can no longer be finished.
	ExpiresAt time.Time
}

// BeginConsent starts a consent. A thousand may be open: one more ends the oldest of them, which can no longer
// be finished. It returns an error that wraps ErrInvalidID, ErrNotFound (no such
// provider), ErrNoConsent or ErrTooManyConsents (there are so many login links that no consent is left to end).
func (s *Store) BeginConsent(ctx context.Context, r ConsentRequest) (Consent, error) {
	p, err := s.consentProvider(r.ID)
	if err != nil {
		return Consent{}, err
	}
	state, binding, verifier := oauth.NewState(), oauth.NewState(), oauth.NewVerifier()
	expires := s.now().Add(consentLifetime)
	err = s.putPending(ctx, kindConsent, state, pending{
		ID: r.ID.String(), Verifier: verifier.Reveal(), BindingHash: digest(kindBinding, binding),
		RedirectURI: r.RedirectURI, ReturnTo: r.ReturnTo, ExpiresAt: expires,
	})
	if err != nil {
		return Consent{}, s.explain(r.ID, err)
	}
	url := s.client.AuthorizeURL(&p.endpoint, oauth.AuthorizeRequest{State: state, Verifier: verifier, RedirectURI: r.RedirectURI})
	return Consent{URL: url, Binding: binding, ExpiresAt: expires}, nil
}

// consentProvider returns the provider of id if its grant needs a consent.
func (s *Store) consentProvider(id ID) (*Provider, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	p, known := s.Provider(id.Provider)
	if !known {
		return nil, fmt.Errorf("connection %s: provider %q is not configured: %w", id, id.Provider, ErrNotFound)
	}
	if p.grant != GrantAuthorizationCode {
		return nil, fmt.Errorf("provider %s: %w: its grant is %s", p.name, ErrNoConsent, p.grant)
	}
	return p, nil
}

// ConsentCallback is what the authorization server sent the browser back with.
type ConsentCallback struct {
	Provider string // from the redirect URI
	State    string
	Code     string
	Error    string // the error code, if the server sent one
	Issuer   string // iss (RFC 9207), if there was one
	Binding  string // from the cookie
}

// FinishedConsent is a consent that came to its end.
type FinishedConsent struct {
	ID       ID
	ReturnTo string
	Account  string // the provider's name for the account, if known
}

// FinishConsent ends a consent: it redeems the code and stores the grant, durably.
// The exchange goes on if ctx ends; a code can be used only once. If the server's answer is broken and brought a refresh
// token nevertheless, that is stored, and the schedule gets the first access token with it at once.
//
// It returns an error that wraps ErrInvalidConsent, ErrOtherBrowser, ErrConsentDenied or
// ErrAccountChanged; or, if the code could not be redeemed, ErrUnavailable or ErrMisconfigured. ID and
// ReturnTo are told with an error too, as soon as they are known.
//
// With ErrAccountChanged, the connection is as it was, and the grant that the server has just given is not
// kept. It is not revoked either, since some servers revoke all that a person has granted to the client: it
// stays valid there until it expires or the person takes it back. The observer's Trouble is told. A provider that
// names no account cannot be held to one: there, a consent for another account replaces the grant in silence.
func (s *Store) FinishConsent(ctx context.Context, c ConsentCallback) (FinishedConsent, error) {
	pend, err := s.getPending(ctx, kindConsent, c.State)
	if err != nil {
		return FinishedConsent{}, s.explain(ID{Provider: c.Provider}, err)
	}
	id, err := ParseID(pend.ID)
	if err != nil {
		return FinishedConsent{}, err
	}
	if !sameDigest(pend.BindingHash, digest(kindBinding, c.Binding)) {
		return FinishedConsent{}, fmt.Errorf("connection %s: %w", id, ErrOtherBrowser)
	}
	done := FinishedConsent{ID: id, ReturnTo: pend.ReturnTo}
	// It is used up now, whatever comes of it. This also proves that the
	// storage takes writes before the code is spent.
	if err := s.usePending(ctx, pend); err != nil {
		return done, s.explain(id, err)
	}
	p, err := s.consentProvider(id)
	if err != nil {
		return done, err
	}
	if err := c.check(id, p); err != nil {
		return done, err
	}
	done.Account, err = s.redeemDetached(ctx, id, p, c, pend)
	return done, s.explain(id, err)
}

// check judges what came with the callback, beside the state.
func (c ConsentCallback) check(id ID, p *Provider) error {
	switch {
	case c.Provider != id.Provider:
		return fmt.Errorf("connection %s: %w: it came back on another provider's redirect URI", id, ErrInvalidConsent)
	case p.issuer != "" && c.Issuer != p.issuer:
		return fmt.Errorf("connection %s: %w: it came back from another issuer", id, ErrInvalidConsent)
	case c.Error != "":
		return &ConsentDeniedError{ID: id, Code: wellFormed(c.Error)}
	case c.Code == "":
		return fmt.Errorf("connection %s: %w: it came back without a code", id, ErrInvalidConsent)
	}
	return nil
}

// wellFormed lets pass what can be an error code, and nothing that a stranger
// would like to have in a log or on a page.
func wellFormed(code string) string {
	for _, r := range code {
		if (r < 'a' || r > 'z') && r != '_' {
			return "unknown"
		}
	}
	return clip(code)
}

// redeem exchanges the code and stores the grant as the connection's next generation.
func (s *Store) redeem(ctx context.Context, id ID, p *Provider, c ConsentCallback, pend pending) (account string, err error) {
	lease, err := s.backend.Lease(ctx, connectionKey(id))
	if err != nil {
		return "", err
	}
	defer lease.Release()
	// Before the code is spent, so that a storage that cannot be read costs nothing.
	st, err := s.loadOrNew(ctx, id, p)
	if err != nil {
		return "", err
	}
	answer, err := s.client.Exchange(ctx, &p.endpoint, oauth.ExchangeRequest{
		Code: secret.New(c.Code), Verifier: secret.New(pend.Verifier), RedirectURI: pend.RedirectURI,
	})
	if err != nil {
		if answer = broughtGrant(err); answer == nil {
			return "", exchangeFailed(id, p, err)
		}
		s.observer().Trouble("broken answer to a consent, of which the refresh token is kept for "+id.String(), err)
	}
	if st.Account != "" && answer.Account != "" && st.Account != answer.Account {
		// Not revoked: some servers take all of a person's grants for the client away with one.
		err := fmt.Errorf("connection %s: %w; delete it first if that is meant", id, ErrAccountChanged)
		s.observer().Trouble("consent whose grant is not kept, and still valid at the server", err)
		return answer.Account, err
	}
	// Nothing of the old grant stays. A server that does not name the scopes has
	// granted those that were asked for (RFC 6749 section 5.1).
	st.RefreshToken, st.Scopes = secret.String{}, slices.Clone(p.endpoint.Scopes)
	st.AskedAt = s.now()
	s.grant(st, p, answer)
	if answer.AccessToken.IsZero() {
		s.refreshFirst(st)
	}
	s.commitOrKeep(ctx, st)
	s.publish(st)
	s.observer().Consented(id)
	if s.records.isUnsaved(id) {
		return answer.Account, &UnavailableError{ID: id, RetryAfter: time.Second, Reason: "storage"}
	}
	return answer.Account, nil
}

// broughtGrant returns what a broken answer to an exchange is good for, nil if that is nothing: its refresh token alone, which
// then has to show that it works. Nobody could ask for it again, as the code is spent.
func broughtGrant(err error) *oauth.Answer {
	failure, ok := errors.AsType[*oauth.Error](err)
	if !ok || !deliveredGrant(failure) {
		return nil
	}
	d := failure.Delivered
	return &oauth.Answer{RefreshToken: d.RefreshToken, TokenType: d.TokenType, Scopes: d.Scopes, Account: d.Account}
}

// exchangeFailed tells what a code that could not be redeemed means.
func exchangeFailed(id ID, p *Provider, err error) error {
	failure, _ := errors.AsType[*oauth.Error](err)
	switch {
	case failure == nil:
		return err
	case failure.Class == oauth.Config:
		return &MisconfiguredError{Provider: p.name, Reason: failure.Reason, RetryAfter: time.Second, Err: failure}
	case failure.Class == oauth.Dead:
		return fmt.Errorf("connection %s: %w: the server does not accept the code: %w", id, ErrInvalidConsent, failure)
	}
	return &UnavailableError{ID: id, RetryAfter: max(time.Second, failure.RetryAfter), Reason: failure.Reason, Err: failure}
}
