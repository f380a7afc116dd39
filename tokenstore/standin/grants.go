package standin

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

// Prefixes that tell the kinds of token apart at a glance.
const (
	accessPrefix  = "standin-at-"
	refreshPrefix = "standin-rt-"
	codePrefix    = "standin-code-"
)

// remembered is how many tokens of each kind are kept at most.
const remembered = 1 << 21

// Why a family was revoked, as [Family.Reason] tells it.
const (
	// ReasonReuse: a superseded refresh token was used.
	ReasonReuse = "reuse"
	// ReasonCodeReplay: the authorization code was used twice.
	ReasonCodeReplay = "code_replay"
	// ReasonRevoked: a client or a test asked for it.
	ReasonRevoked = "revoked"
)

// Family is all that came from one consent: a chain of refresh tokens and the
// access tokens that were issued with them.
type Family struct {
	// ID counts from 1 in the order of consent.
	ID        int
	ClientID  string
	AccountID string
	Scopes    []string
	IssuedAt  time.Time
	// Generation is that of the newest refresh token: 1 for the first one, 0 if
	// there never was one.
	Generation int
	Revoked    bool
	// Reason is why it was revoked, one of the Reason constants.
	Reason string
}

// Grant is what a consent gave to a client.
type Grant struct {
	AccessToken string
	// RefreshToken is empty if none was issued.
	RefreshToken string
	ExpiresIn    time.Duration
	// Family is the ID of the family that the tokens belong to.
	Family int
}

// RefreshStatus is what a refresh token is good for.
type RefreshStatus int

const (
	// RefreshUnknown tokens were never issued, or are forgotten.
	RefreshUnknown RefreshStatus = iota
	// RefreshLive tokens can be used.
	RefreshLive
	// RefreshSuperseded tokens were used and replaced. Within the grace window
	// the latest of them can be used again.
	RefreshSuperseded
	// RefreshExpired tokens are too old or lay unused for too long.
	RefreshExpired
	// RefreshRevoked tokens belong to a revoked family.
	RefreshRevoked
)

// family is a Family with the state that only the server needs.
type family struct {
	Family
	superseded *refreshToken // the latest one, nil before the first rotation
}

type refreshToken struct {
	family       *family
	generation   int
	issuedAt     time.Time
	usedAt       time.Time // when it was issued or last used
	supersededAt time.Time // zero while it is live
}

type accessToken struct {
	family    *family // nil for client_credentials
	clientID  string
	accountID string
	scopes    []string
	expiresAt time.Time
	revoked   bool
}

// IssueGrant issues tokens as if the first account had consented, without the
// browser part. Without scopes it grants those of a request that names none. It
// returns ErrUnknownClient or ErrUnknownScope.
func (s *Server) IssueGrant(clientID string, scopes ...string) (Grant, error) {
	if len(scopes) == 0 {
		scopes = s.opts.defaultScopes()
	}
	if !s.opts.knows(scopes) {
		return Grant{}, fmt.Errorf("issue grant to %q: %w", clientID, ErrUnknownScope)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.clients[clientID]; !ok {
		return Grant{}, fmt.Errorf("issue grant to %q: %w", clientID, ErrUnknownClient)
	}
	f := s.newFamily(clientID, s.opts.Accounts[0].ID, scopes)
	return s.issue(f, scopes, true), nil
}

// newFamily starts a family. The caller holds s.mu.
func (s *Server) newFamily(clientID, accountID string, scopes []string) *family {
	s.lastFamily++
	f := &family{Family: Family{
		ID:        s.lastFamily,
		ClientID:  clientID,
		AccountID: accountID,
		Scopes:    slices.Clone(scopes),
		IssuedAt:  s.opts.Now(),
	}}
	s.families.put(f.ID, f)
	return f
}

// issue gives out an access token of f and, if refresh is set, the refresh
// token of the next generation. The caller holds s.mu.
func (s *Server) issue(f *family, scopes []string, refresh bool) Grant {
	g := Grant{
		AccessToken: s.issueAccess(&accessToken{
			family: f, clientID: f.ClientID, accountID: f.AccountID, scopes: scopes,
		}),
		ExpiresIn: s.opts.AccessLifetime,
		Family:    f.ID,
	}
	if refresh {
		f.Generation++
		now := s.opts.Now()
		g.RefreshToken = refreshPrefix + rand.Text()
		s.refresh.put(g.RefreshToken, &refreshToken{
			family: f, generation: f.Generation, issuedAt: now, usedAt: now,
		})
	}
	return g
}

// issueAccess dates t and gives it a name. The caller holds s.mu.
func (s *Server) issueAccess(t *accessToken) string {
	token := accessPrefix + rand.Text()
	t.expiresAt = s.opts.Now().Add(s.opts.AccessLifetime)
	s.access.put(token, t)
	return token
}

// revoke ends f; the first reason counts. The caller holds s.mu.
func (f *family) revoke(reason string) {
	if !f.Revoked {
		f.Revoked, f.Reason = true, reason
	}
}

// status tells what t is good for, the grace window apart. The caller holds
// s.mu.
func (s *Server) status(t *refreshToken) RefreshStatus {
	now := s.opts.Now()
	switch {
	case t.family.Revoked:
		return RefreshRevoked
	case !t.supersededAt.IsZero():
		return RefreshSuperseded
	case s.opts.RefreshLifetime > 0 && !now.Before(t.issuedAt.Add(s.opts.RefreshLifetime)),
		s.opts.RefreshIdle > 0 && !now.Before(t.usedAt.Add(s.opts.RefreshIdle)):
		return RefreshExpired
	}
	return RefreshLive
}

// inGrace reports whether the superseded t may be used once more. The caller
// holds s.mu.
func (s *Server) inGrace(t *refreshToken) bool {
	return t.family.superseded == t && s.opts.Now().Before(t.supersededAt.Add(s.opts.Grace))
}
