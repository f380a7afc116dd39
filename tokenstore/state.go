package tokenstore

import "time"

// State is what a connection can do for its callers.
type State string

// The states of a connection. The package documentation has the table of what
// moves a connection from one to another.
const (
	// StateReady: there is a grant, as far as anybody knows.
	StateReady State = "ready"
	// StateRetrying: there is a grant, and the last attempt to refresh its token
	// failed in a way that may pass.
	StateRetrying State = "retrying"
	// StateNeedsConsent: the authorization server said that the grant is gone,
	// or there never was one.
	StateNeedsConsent State = "needs_consent"
)

// Reason says why a connection needs consent.
type Reason string

// Why a connection needs consent.
const (
	// ReasonRevoked: the authorization server no longer accepts the grant.
	ReasonRevoked Reason = "revoked"
	// ReasonInterruptedRotation: the answer to a refresh was lost, and the
	// authorization server does not accept the refresh token that was used for it.
	ReasonInterruptedRotation Reason = "interrupted_rotation"
	// ReasonNoRefreshToken: the token expired, and there is no refresh token.
	ReasonNoRefreshToken Reason = "no_refresh_token"
	// ReasonClientChanged: the grant was given to another client id than the
	// one that is configured now, and the server refuses it.
	ReasonClientChanged Reason = "client_changed"
	// ReasonDatabaseRestored: the database was restored from a backup, or recovered, since
	// the grant was last renewed here, and the server does not accept what was in it: it
	// was probably renewed in between.
	ReasonDatabaseRestored Reason = "database_restored"
)

// Status is what may be told about a connection. It holds no secret.
type Status struct {
	ID     ID
	State  State
	Reason Reason // set in StateNeedsConsent
	// Generation grows by one with each refresh.
	Generation uint64
	TokenType  string
	Scopes     []string
	// MissingScopes are scopes that are configured and were not granted.
	MissingScopes []string
	// Account is the provider's name for the account, if its answers have one.
	Account string

	CreatedAt   time.Time
	RefreshedAt time.Time
	ExpiresAt   time.Time // zero: nobody knows
	NextRefresh time.Time // zero: none is planned

	HasRefreshToken bool
	Refresh         RefreshPolicy

	// Attempts is how many refreshes failed in a row, and LastError why the
	// last of them did.
	Attempts  int
	LastError string

	// Unsaved is set while a token is kept in memory only because the storage
	// does not take it.
	Unsaved bool
	// Damaged is set if the record cannot be read, or is Unwritable. There is no State then, and if it cannot
	// be read, only ID is known.
	Damaged bool
	// Unwritable is set if damage of the storage lets nobody change the record: it is neither refreshed
	// nor deleted until the database is recovered. If it can be read, its token serves while it is valid.
	Unwritable bool
}

// Import is a grant that was obtained elsewhere.
type Import struct {
	AccessToken  string
	RefreshToken string
	TokenType    string
	ExpiresAt    time.Time
	Scopes       []string
	Account      string
	// Refresh overrides the provider's policy for this connection, if not nil.
	Refresh *RefreshPolicy
}

// Want says what a caller of [Store.Token] needs.
type Want struct {
	// MinTTL is how long the token must still be valid, at least.
	MinTTL time.Duration
	// Create makes the connection on first use if its provider needs nobody's
	// consent (client credentials). Set it only for ids that an operator wrote
	// down: an id made of something a caller sent would let callers create records.
	Create bool
}
