package tokenstore

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var errAPI = errors.ErrUnsupported

// Options are what a Store is made of.
type Options struct {
	// Backend keeps the records. The Store closes it.
	Backend storage.Backend
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
}

// Store is the engine. All methods are safe for concurrent use.
type Store struct{}

// Open opens a store.
func Open(ctx context.Context, o Options) (*Store, error) { return nil, errAPI }

// Close stops the schedule, waits until ctx ends for refreshes under way, saves what
// is unsaved if it can, and closes the backend.
func (s *Store) Close(ctx context.Context) error { return errAPI }

// Attachment is a configuration that uses the store.
type Attachment struct {
	Providers []*Provider
	Observer  Observer // may be nil
}

// Attach makes the store work with a configuration, until detach is called. The
// youngest attachment that is still there is the one in force, so that a new
// configuration can attach before the old one detaches, and a failed one leaves the old one
// as it was. The schedule runs while there is an attachment. Calling detach twice is no error.
func (s *Store) Attach(a Attachment) (detach func()) { return nil }

// Token returns a valid access token.
func (s *Store) Token(ctx context.Context, id ID, w Want) (*Token, error) { return nil, errAPI }

// Rejected reports that the provider's API refused t, and returns a newer token.
func (s *Store) Rejected(ctx context.Context, t *Token) (*Token, error) { return nil, errAPI }

// Refresh gets a new token even if the present one is valid.
func (s *Store) Refresh(ctx context.Context, id ID) (*Token, error) { return nil, errAPI }

// TokenSource returns the connection as an oauth2.TokenSource.
func (s *Store) TokenSource(ctx context.Context, id ID) oauth2.TokenSource { return nil }

// Provider returns a provider of the configuration in force.
func (s *Store) Provider(name string) (*Provider, bool) { return nil, false }

// Import stores a grant that was obtained elsewhere.
func (s *Store) Import(ctx context.Context, id ID, in Import) error { return errAPI }

// Delete removes a connection; see Deletion for what else it tells.
func (s *Store) Delete(ctx context.Context, id ID) error { return errAPI }

// Status tells about a connection.
func (s *Store) Status(ctx context.Context, id ID) (Status, error) { return Status{}, errAPI }

// List tells about connections in the order of their ids: of all providers or
// of one, behind after (exclusive, "" for the start), at most limit. next is "" at the end.
func (s *Store) List(ctx context.Context, provider, after string, limit int) (list []Status, next string, err error) {
	return nil, "", errAPI
}

// Health is the store's own state.
type Health struct {
	// Unsaved is how many tokens are kept in memory only, because the storage does
	// not take them. It must be 0.
	Unsaved int
	// Storage is why the storage failed the last time it was used; nil if it did not.
	Storage error
}

// Health tells whether the store is well.
func (s *Store) Health() Health { return Health{} }

// Census counts connections per provider and state.
func (s *Store) Census() map[string]map[State]int { return nil }

// ConsentRequest is the start of a consent.
type ConsentRequest struct {
	ID          ID
	RedirectURI string
	ReturnTo    string // where the browser goes afterwards; opaque to the engine
}

// Consent is a started consent.
type Consent struct {
	// URL is the authorization server's page, where the browser goes.
	URL string
	// Binding ties the consent to the browser that began it. It is set as a cookie there
	// and handed to FinishConsent; 256 bits, base64url.
	Binding string
	// ExpiresAt is when the consent can no longer be finished.
	ExpiresAt time.Time
}

// BeginConsent starts a consent.
func (s *Store) BeginConsent(ctx context.Context, r ConsentRequest) (Consent, error) {
	return Consent{}, errAPI
}

// ConsentCallback is what the authorization server sent the browser back with.
type ConsentCallback struct {
	Provider string // from the redirect URI's path
	State    string
	Code     string
	Error    string
	Issuer   string // RFC 9207 iss, if there was one
	Binding  string // from the cookie
}

// FinishedConsent is a consent that came to its end.
type FinishedConsent struct {
	ID       ID
	ReturnTo string
	Account  string
}

// FinishConsent ends a consent: it redeems the code and stores the grant.
func (s *Store) FinishConsent(ctx context.Context, c ConsentCallback) (FinishedConsent, error) {
	return FinishedConsent{}, errAPI
}

// IssueTicket makes a login link's secret: who has it may begin the consent of id once, within
// ten minutes.
func (s *Store) IssueTicket(ctx context.Context, id ID) (ticket string, expires time.Time, err error) {
	return "", time.Time{}, errAPI
}

// CheckTicket tells whether a ticket would be accepted for id, without using it up.
func (s *Store) CheckTicket(ctx context.Context, id ID, ticket string) error { return errAPI }

// RedeemTicket uses a ticket up. It wraps ErrInvalidConsent if it is unknown, used, expired or
// for another connection.
func (s *Store) RedeemTicket(ctx context.Context, id ID, ticket string) error { return errAPI }
