package tokenstore

import (
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// Observer is told what happens. Its methods are called without any lock held,
// but on the goroutine that does the work: they must be quick, and they must
// be safe for concurrent use. They may ask the store for anything but what waits for
// the connection that they are told about: its token, an import, its deletion. Nothing
// they are told is a secret.
//
// Embed [NopObserver] to implement only some of them and to stay compatible.
type Observer interface {
	// Refreshed is called after each attempt to get a new token from an
	// authorization server, once its outcome is durable or kept for a retry.
	Refreshed(RefreshEvent)
	// ConsentNeeded is called when a connection moves to StateNeedsConsent.
	ConsentNeeded(ConsentEvent)
	// Consented is called when a consent was finished or a grant imported.
	Consented(ID)
	// Deleted is called when a connection was deleted.
	Deleted(ID)
	// ProviderPaused is called when a provider stops being called because its
	// server refuses the client, asks to wait or fails all the time, when that lasts longer
	// than was said, and with a zero Until when it is called again. Providers with the same token host share the
	// pause of a server that fails, and it is called for each of them.
	ProviderPaused(PauseEvent)
	// Unsaved is called when a token could not be saved, and when it was.
	Unsaved(UnsavedEvent)
	// Late is called for each refresh that the schedule starts, with the time
	// since it was due.
	Late(provider string, late time.Duration)
	// Trouble is called for what goes wrong beside all that: a record that
	// cannot be read, a background read that failed.
	Trouble(op string, err error)
}

// Trigger says what caused a refresh.
type Trigger string

// What causes a refresh.
const (
	TriggerSchedule Trigger = "schedule" // it was due
	TriggerDemand   Trigger = "demand"   // a caller needed a token, and none was valid long enough
	TriggerRejected Trigger = "rejected" // the provider's API refused the token
	TriggerForced   Trigger = "forced"   // an operator asked for it
	TriggerRecovery Trigger = "recovery" // the outcome of an earlier attempt is unknown
)

// RefreshEvent is the outcome of one attempt.
type RefreshEvent struct {
	ID         ID
	Trigger    Trigger
	Generation uint64        // the connection's generation after it
	Duration   time.Duration // of the conversation with the server
	ExpiresAt  time.Time     // of the new token
	Rotated    bool          // the server sent a new refresh token

	// Err is nil if there is a new token.
	Err error
	// Class and Reason say what the failure means; Reason is a short fixed
	// word. Both are empty when the call was never made, as when the intent
	// could not be saved: then Reason is "storage".
	Class  oauth.Class
	Reason string
}

// ConsentEvent says which connection needs consent and why.
type ConsentEvent struct {
	ID     ID
	Reason Reason
}

// PauseEvent says that a provider is not called until a time.
type PauseEvent struct {
	Provider string
	Host     string    // the token host that fails, as scheme://host:port; empty if the pause is this provider's alone
	Until    time.Time // zero: it is called again
	Reason   string
}

// UnsavedEvent says that a token is kept in memory only, or no longer so.
type UnsavedEvent struct {
	ID    ID
	Err   error // nil: it is saved now
	Total int   // how many are unsaved after this event
}

// NopObserver does nothing.
type NopObserver struct{}

// Refreshed does nothing.
func (NopObserver) Refreshed(RefreshEvent) {}

// ConsentNeeded does nothing.
func (NopObserver) ConsentNeeded(ConsentEvent) {}

// Consented does nothing.
func (NopObserver) Consented(ID) {}

// Deleted does nothing.
func (NopObserver) Deleted(ID) {}

// ProviderPaused does nothing.
func (NopObserver) ProviderPaused(PauseEvent) {}

// Unsaved does nothing.
func (NopObserver) Unsaved(UnsavedEvent) {}

// Late does nothing.
func (NopObserver) Late(string, time.Duration) {}

// Trouble does nothing.
func (NopObserver) Trouble(string, error) {}

var _ Observer = NopObserver{}
