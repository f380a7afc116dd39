package tokenstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// recordVersion is the version of the encoding below. A reader refuses
// versions that it does not know rather than lose members it cannot see.
const recordVersion = 1

// record is what is kept of a connection, before it is sealed.
type record struct {
	// ClientID is the client the grant was given to: a server refuses the
	// grant to any other, and that is not the grant's fault.
	ClientID string `json:"client_id,omitempty"`

	AccessToken  secret.String `json:"-"`
	RefreshToken secret.String `json:"-"`
	TokenType    string        `json:"token_type,omitempty"`
	Scopes       []string      `json:"scopes,omitempty"`
	Account      string        `json:"account,omitempty"`

	CreatedAt   time.Time `json:"created_at"`
	RefreshedAt time.Time `json:"refreshed_at,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	Generation  uint64    `json:"generation"`
	// AskedAt is when somebody asked for the token, as far as was known at the last refresh.
	AskedAt time.Time `json:"asked_at,omitzero"`

	// Policy overrides the provider's refresh policy.
	Policy *RefreshPolicy `json:"policy,omitempty"`

	// Intent is set from before a refresh is sent until its outcome is known.
	Intent *intent `json:"intent,omitempty"`

	NeedsConsent Reason    `json:"needs_consent,omitempty"`
	Attempts     int       `json:"attempts,omitempty"` // failures in a row
	LastError    string    `json:"last_error,omitempty"`
	RetryAt      time.Time `json:"retry_at,omitzero"` // not before, after a failure
}

// intent is the durable mark that a refresh was about to be sent. Found open,
// it means that nobody knows whether the refresh token was used.
type intent struct {
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"` // how often the refresh token was sent
}

// wireRecord is the encoding: the one place where the tokens of a record are
// in the clear, on their way into the seal.
type wireRecord struct {
	Version      int    `json:"v"`
	AccessToken  string `json:"access_token,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	record
}

func (r record) encode() ([]byte, error) {
	return json.Marshal(wireRecord{
		Version:      recordVersion,
		AccessToken:  r.AccessToken.Reveal(),
		RefreshToken: r.RefreshToken.Reveal(),
		record:       r,
	})
}

func decodeRecord(b []byte) (record, error) {
	var w wireRecord
	if err := json.Unmarshal(b, &w); err != nil {
		// The decoder's text may quote what it read, which is a token.
		return record{}, fmt.Errorf("%w: it is not a connection's encoding", ErrDamagedRecord)
	}
	switch {
	case w.Version > recordVersion:
		return record{}, fmt.Errorf("version %d: %w", w.Version, ErrNewerFormat)
	case w.Version != recordVersion:
		return record{}, fmt.Errorf("%w: there is no version %d", ErrDamagedRecord, w.Version)
	}
	w.record.AccessToken = secret.New(w.AccessToken)
	w.record.RefreshToken = secret.New(w.RefreshToken)
	return w.record, nil
}

// clone returns a copy that can be changed.
func (r record) clone() record {
	r.Scopes = slices.Clone(r.Scopes)
	if r.Intent != nil {
		i := *r.Intent
		r.Intent = &i
	}
	return r
}

func (r record) state() State {
	switch {
	case r.NeedsConsent != "":
		return StateNeedsConsent
	case r.Attempts > 0:
		return StateRetrying
	default:
		return StateReady
	}
}

// token returns what may be handed out of r, nil if it has no access token.
func (r record) token(id ID) *Token {
	if r.AccessToken.IsZero() {
		return nil
	}
	return &Token{
		ID: id, Value: r.AccessToken, Type: sharedType(r.TokenType),
		ExpiresAt: r.ExpiresAt, Scopes: r.Scopes, Generation: r.Generation,
		margin: freshMargin(r.lifetime()),
	}
}

// sharedType returns the type, and for those that nearly all tokens have one that takes no memory.
func sharedType(name string) string {
	for _, usual := range [...]string{"Bearer", "bearer"} {
		if name == usual {
			return usual
		}
	}
	return name
}

// lifetime is how long the access token lived when it was new; 0 if unknown.
func (r record) lifetime() time.Duration {
	if r.ExpiresAt.IsZero() || r.RefreshedAt.IsZero() {
		return 0
	}
	return max(0, r.ExpiresAt.Sub(r.RefreshedAt))
}

func (r record) policy(p *Provider) RefreshPolicy {
	if r.Policy != nil {
		return *r.Policy
	}
	return p.policy
}

func (r record) status(id ID) Status {
	s := Status{
		ID: id, State: r.state(), Reason: r.NeedsConsent, Generation: r.Generation,
		TokenType: r.TokenType, Scopes: slices.Clone(r.Scopes), Account: r.Account,
		CreatedAt: r.CreatedAt, RefreshedAt: r.RefreshedAt, ExpiresAt: r.ExpiresAt,
		HasRefreshToken: !r.RefreshToken.IsZero(),
		Attempts:        r.Attempts, LastError: r.LastError,
	}
	if r.Policy != nil {
		s.Refresh = *r.Policy
	}
	return s
}
