// Package oauth holds one conversation with an authorization server: it
// builds a request, sends it, reads the answer and says what it means.
//
// It stands on golang.org/x/oauth2 and closes the doors that x/oauth2 leaves
// open for a long-running service with rotating refresh tokens: it follows no
// redirect, sends every request exactly once, has a deadline for the whole
// exchange, reads a bounded amount, and keeps a refresh token that was
// delivered even if the rest of the answer makes no sense.
//
// It decides nothing about what happens next; package tokenstore does.
package oauth

import (
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// AuthStyle says how a client authenticates at the token endpoint. It is
// always explicit: guessing sends a request twice, and the second use of a
// rotated refresh token revokes the grant.
type AuthStyle int

const (
	// AuthParams sends client_id and client_secret in the body
	// (client_secret_post).
	AuthParams AuthStyle = iota
	// AuthHeader sends them form-encoded in HTTP Basic authentication (RFC 6749
	// section 2.3.1, client_secret_basic).
	AuthHeader
	// AuthNone sends client_id only: a public client.
	AuthNone
)

// BodyFormat is the encoding of the requests to the token endpoint.
type BodyFormat int

const (
	// BodyForm is application/x-www-form-urlencoded, as RFC 6749 says.
	BodyForm BodyFormat = iota
	// BodyJSON is application/json, for servers that insist on it.
	BodyJSON
)

// RevokeStyle says how a token is revoked.
type RevokeStyle int

const (
	// RevokeRFC7009 posts the refresh token, or else the access token, to the
	// revocation endpoint with client authentication.
	RevokeRFC7009 RevokeStyle = iota
	// RevokeBearer posts an empty body with the access token as bearer, as
	// Dropbox wants it.
	RevokeBearer
)

// Endpoint is a provider as one conversation needs to know it. It must not be
// changed once it is in use.
type Endpoint struct {
	AuthorizeURL string
	TokenURL     string
	RefreshURL   string // empty: TokenURL
	RevokeURL    string // empty: tokens cannot be revoked
	// Private lets the hosts of these URLs be in private networks; see NewPolicy
	// of package dial. It is for the client's own transport: another one that is
	// put in its place has to judge by itself whereto it connects.
	Private bool

	ClientID     string
	ClientSecret secret.String

	AuthStyle   AuthStyle
	BodyFormat  BodyFormat
	RevokeStyle RevokeStyle

	Scopes         []string
	ScopeSeparator string // empty: a space

	// NoPKCE leaves the code challenge out, for servers that refuse it.
	NoPKCE bool

	// Parameters added to the requests of each kind.
	AuthorizeParams map[string]string
	TokenParams     map[string]string
	RefreshParams   map[string]string

	// DeadCodes are error codes that, beside invalid_grant, say that the
	// grant is gone at this provider.
	DeadCodes []string
}

// Answer is what an authorization server granted.
type Answer struct {
	AccessToken secret.String
	// RefreshToken is empty if the server sent none: the old one stays valid
	// then (RFC 6749 section 6).
	RefreshToken secret.String
	TokenType    string // as the server wrote it, for example "Bearer" or "bot"
	// ExpiresAt is when the access token expires, counted from the moment the
	// request was sent. The zero time means that the server did not say so, and
	// that the token is not a JWT that says so itself.
	ExpiresAt time.Time
	// Scopes are the granted scopes; nil if the server did not name them, which
	// means those that were asked for (RFC 6749 section 5.1).
	Scopes []string
	// Account is the provider's name for the account, where its answer has
	// one (account_id, sub of an unverified ID token, …). It labels a
	// connection and helps to notice that a new consent was given for another
	// account; it proves nothing.
	Account string
}

// Class is what a failure means for the grant.
type Class int

const (
	// Transient failures pass: the network, a timeout before the request was
	// written, 408, 425, 429, 5xx, an answer that is no OAuth answer.
	Transient Class = iota
	// Unknown outcomes are those where the request was written and no complete
	// answer came: the server may or may not have acted.
	Unknown
	// Dead means that the server said, in so many words, that the grant is no
	// longer valid.
	Dead
	// Config means that the server refused the client, not the grant: the
	// client's id, secret, scopes or registration are wrong; or that the host's
	// address is none that may be connected to.
	Config
)

// String returns the class in lower case, fit for a metric label.
func (c Class) String() string {
	switch c {
	case Transient:
		return "transient"
	case Unknown:
		return "unknown"
	case Dead:
		return "dead"
	case Config:
		return "config"
	}
	return "invalid"
}
