// Package adminapi has what the token_store routes of Caddy's admin API
// answer and accept: for the routes themselves, for the commands that call
// them, and for other programs that do.
//
// No answer ever holds a token: these types have no place for one. The key of a caller is told
// once, in the answer to its creation.
package adminapi

import (
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// Base is the path under which all routes are.
const Base = "/token_store"

// StateDamaged is told in place of the state of a connection whose record
// cannot be read, or not be changed.
const StateDamaged = "damaged"

// Connection is what may be told about a connection.
type Connection struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Name     string `json:"name"`
	// State is one of the states of package tokenstore, or StateDamaged.
	State string `json:"state"`
	// Reason says why the connection needs consent, if it does.
	Reason string `json:"reason,omitempty"`
	// Generation grows with each new token.
	Generation    uint64   `json:"generation"`
	TokenType     string   `json:"token_type,omitempty"`
	Scopes        []string `json:"scopes,omitempty"`
	MissingScopes []string `json:"missing_scopes,omitempty"`
	Account       string   `json:"account,omitempty"`

	CreatedAt   time.Time `json:"created_at,omitzero"`
	RefreshedAt time.Time `json:"refreshed_at,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`   // absent: nobody knows
	NextRefresh time.Time `json:"next_refresh,omitzero"` // absent: none is planned

	HasRefreshToken bool `json:"has_refresh_token"`
	// Refresh is the refresh policy as the Caddyfile writes it.
	Refresh string `json:"refresh,omitempty"`
	// FailedAttempts is how many refreshes failed in a row.
	FailedAttempts int    `json:"failed_attempts,omitempty"`
	LastError      string `json:"last_error,omitempty"`
	// Unsaved is true while the token is in memory only.
	Unsaved bool `json:"unsaved,omitempty"`
	// Unwritable is true if damage of the database lets nobody change or delete the connection until the database is
	// recovered. If anything else is told of it, its token serves while it is valid.
	Unwritable bool `json:"unwritable,omitempty"`
}

// NewConnection returns what is told about s.
func NewConnection(s tokenstore.Status) Connection {
	state := string(s.State)
	if s.Damaged {
		state = StateDamaged
	}
	return Connection{
		ID:              s.ID.String(),
		Provider:        s.ID.Provider,
		Name:            s.ID.Name,
		State:           state,
		Reason:          string(s.Reason),
		Generation:      s.Generation,
		TokenType:       s.TokenType,
		Scopes:          s.Scopes,
		MissingScopes:   s.MissingScopes,
		Account:         s.Account,
		CreatedAt:       s.CreatedAt.UTC(),
		RefreshedAt:     s.RefreshedAt.UTC(),
		ExpiresAt:       s.ExpiresAt.UTC(),
		NextRefresh:     s.NextRefresh.UTC(),
		HasRefreshToken: s.HasRefreshToken,
		Refresh:         s.Refresh.String(),
		FailedAttempts:  s.Attempts,
		LastError:       s.LastError,
		Unsaved:         s.Unsaved,
		Unwritable:      s.Unwritable,
	}
}

// Connections is a page of connections, in the order of their ids.
type Connections struct {
	Connections []Connection `json:"connections"`
	// Next is the parameter "after" of the next page; empty at the end.
	Next string `json:"next,omitempty"`
	// Incomplete says, in words, why there may be connections that this page should have and does not; empty if it has all.
	Incomplete string `json:"incomplete,omitempty"`
}

// Incomplete is what is told of a list of what can be read in a damaged database.
const Incomplete = "part of the database is damaged, so this list may lack some that were there; " +
	"restore the newest backup, or save what is sound with: caddy token-store recover <new file>, while Caddy is stopped"

// Provider is what may be told about a provider.
type Provider struct {
	Name   string `json:"name"`
	Preset string `json:"preset,omitempty"`
	// Grant is authorization_code or client_credentials.
	Grant string `json:"grant"`
	// Connections counts its connections by state.
	Connections map[string]int `json:"connections,omitempty"`
}

// Providers are the configured providers, in the order of the configuration.
type Providers struct {
	Providers []Provider `json:"providers"`
}

// LoginLink is where a person can give the consent for a connection, once. Whoever has the link can
// connect an account of theirs: hand it only to the person meant.
type LoginLink struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Readiness tells whether the token store is fit for service.
type Readiness struct {
	Ready bool `json:"ready"`
	// Problems are what keeps it from being ready, in words.
	Problems []string `json:"problems,omitempty"`
}
