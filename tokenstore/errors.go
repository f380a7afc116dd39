package tokenstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Errors that tell a caller why there is no token. Those with more to say have
// a type of their own, which unwraps to the sentinel.
var (
	// ErrInvalidID is wrapped if an ID is malformed.
	ErrInvalidID = errors.New("invalid connection id")

	// ErrNotFound is wrapped if there is no such connection, or no such provider
	// in the configuration.
	ErrNotFound = errors.New("connection not found")

	// ErrConsentNeeded is what a *ConsentNeededError unwraps to: a person has
	// to give their consent (again).
	ErrConsentNeeded = errors.New("consent is needed")

	// ErrUnavailable is what an *UnavailableError unwraps to: there is no valid
	// token now, and there may be one later without anybody's doing.
	ErrUnavailable = errors.New("token is unavailable for now")

	// ErrMisconfigured is what a *MisconfiguredError unwraps to: the
	// authorization server refuses the client, and an operator must act.
	ErrMisconfigured = errors.New("provider is misconfigured")

	// ErrInvalidImport is wrapped if a grant that is imported is malformed.
	ErrInvalidImport = errors.New("invalid import")

	// ErrClosed is returned by every method of a closed Store. It is the one of
	// package storage.
	ErrClosed = storage.ErrClosed
)

// Errors of consents.
var (
	// ErrInvalidConsent is wrapped if a consent is finished with a state that
	// is unknown, used, expired, or belongs to another browser or provider.
	ErrInvalidConsent = errors.New("invalid or expired consent")

	// ErrOtherBrowser is wrapped if a consent is finished in another browser
	// than the one that began it. The consent stays open for the right one.
	ErrOtherBrowser = errors.New("consent was begun in another browser")

	// ErrConsentDenied is what a *ConsentDeniedError unwraps to: the person, or the
	// authorization server, said no.
	ErrConsentDenied = errors.New("consent was denied")

	// ErrTooManyConsents is returned while too many login links are open.
	ErrTooManyConsents = errors.New("too many consents are pending")

	// ErrAccountChanged is wrapped if a new consent was given for another account
	// than the one the connection belongs to. The connection is left as it was, and the
	// new grant stays valid at the server, though it is not kept here.
	ErrAccountChanged = errors.New("consent was given for another account")

	// ErrNoConsent is wrapped if the provider's grant needs nobody's consent.
	ErrNoConsent = errors.New("provider needs no consent")
)

// ErrDamagedRecord is wrapped if a connection's record cannot be read any more. The
// record is left as it is; deleting the connection or connecting it again
// replaces it.
var ErrDamagedRecord = errors.New("connection's record is damaged")

// ErrUnwritable is wrapped if damage of the storage lets nobody change or delete a connection's record, though it
// may be readable; beside ErrDamagedRecord, if that is known before anything is tried: to connect it again or to delete it fails in the same way.
// What is in the record is not lost; recovering the database brings it back.
var ErrUnwritable = errors.New("it cannot be changed or deleted until the database is recovered")

// ErrBackupRunning is returned while another backup is made or read.
var ErrBackupRunning = errors.New("another backup is being made")

// ErrRotationRunning is returned while records are being sealed under a new key already.
var ErrRotationRunning = errors.New("the key is being rotated already")

// ErrNewerFormat is wrapped, beside ErrDamagedRecord, if a connection's record was
// written by a newer release. Such a record can be deleted, but is not replaced. It
// is the one of package seal.
var ErrNewerFormat = seal.ErrNewerFormat

// ConsentNeededError says that a connection has no usable grant.
type ConsentNeededError struct {
	ID ID
	// Reason is one of the Reason constants.
	Reason Reason
}

// Error implements [error].
func (e *ConsentNeededError) Error() string {
	return fmt.Sprintf("connection %s: consent is needed: %s", e.ID, e.Reason)
}

// Unwrap returns [ErrConsentNeeded].
func (e *ConsentNeededError) Unwrap() error { return ErrConsentNeeded }

// UnavailableError says that there is no valid token right now.
type UnavailableError struct {
	ID ID
	// RetryAfter is when it makes sense to ask again; it is at least a second.
	RetryAfter time.Duration
	// Reason is a short word: why the last refresh failed, or "storage".
	Reason string
	// Err is the cause, if there is one; it holds no secret.
	Err error
}

// Error implements [error].
func (e *UnavailableError) Error() string {
	text := fmt.Sprintf("connection %s: no valid token for now: %s", e.ID, e.Reason)
	if e.Err == nil {
		return text
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

// Unwrap returns [ErrUnavailable] and the cause.
func (e *UnavailableError) Unwrap() []error { return withCause(ErrUnavailable, e.Err) }

// MisconfiguredError says that the authorization server refuses this client.
type MisconfiguredError struct {
	Provider string
	// Reason is the server's error code, such as invalid_client.
	Reason string
	// RetryAfter is when the store itself tries again.
	RetryAfter time.Duration
	Err        error
}

// Error implements [error].
func (e *MisconfiguredError) Error() string {
	return fmt.Sprintf("provider %s: the authorization server refuses this client: %s; check client_id, client_secret and scopes", e.Provider, e.Reason)
}

// Unwrap returns [ErrMisconfigured] and the cause.
func (e *MisconfiguredError) Unwrap() []error { return withCause(ErrMisconfigured, e.Err) }

// ConsentDeniedError carries the authorization server's error code, such as
// access_denied, of a consent that was not given.
type ConsentDeniedError struct {
	ID   ID
	Code string
}

// Error implements [error].
func (e *ConsentDeniedError) Error() string {
	return fmt.Sprintf("connection %s: consent was denied: %s", e.ID, e.Code)
}

// Unwrap returns [ErrConsentDenied].
func (e *ConsentDeniedError) Unwrap() error { return ErrConsentDenied }

func withCause(sentinel, cause error) []error {
	if cause == nil {
		return []error{sentinel}
	}
	return []error{sentinel, cause}
}
