package standin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// tokenAnswer is a success of the token endpoint, with the members that Dropbox
// adds.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	UID          string `json:"uid,omitempty"`
	AccountID    string `json:"account_id,omitempty"`
}

// token is the token endpoint (RFC 6749 section 3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	answer, fail := s.grant(r)
	if fail != nil {
		fail.write(w)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) grant(r *http.Request) (*tokenAnswer, *oauthError) {
	if fail := s.readForm(r); fail != nil {
		return nil, fail
	}
	c, fail := s.authenticate(r)
	if fail != nil {
		return nil, fail
	}
	kinds := map[string]func(Client, *http.Request) (*tokenAnswer, *oauthError){
		"authorization_code": s.grantCode,
		"refresh_token":      s.grantRefresh,
		"client_credentials": s.grantClient,
	}
	kind := r.PostForm.Get("grant_type")
	act, known := kinds[kind]
	switch {
	case kind == "":
		return nil, badRequest("grant_type is missing")
	case !known:
		return nil, oauthFailure("unsupported_grant_type", "grant_type is not supported")
	case !c.mayUse(kind):
		return nil, oauthFailure("unauthorized_client", "the client may not use this grant_type")
	}
	return act(c, r)
}

// grantCode exchanges an authorization code (section 4.1.3). Whatever is wrong
// with the exchange, the code is spent.
func (s *Server) grantCode(c Client, r *http.Request) (*tokenAnswer, *oauthError) {
	form := r.PostForm
	if !form.Has("code") {
		return nil, badRequest("code is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := s.codes.get(form.Get("code"))
	if !ok || code.ClientID != c.ID {
		return nil, oauthFailure("invalid_grant", "code is unknown")
	}
	if code.used {
		if code.family != nil {
			code.family.revoke(ReasonCodeReplay)
		}
		return nil, oauthFailure("invalid_grant", "code was used before")
	}
	code.used = true
	switch {
	case !s.opts.Now().Before(code.expiresAt):
		return nil, oauthFailure("invalid_grant", "code has expired")
	case code.RedirectParam != form.Get("redirect_uri"):
		return nil, oauthFailure("invalid_grant", "redirect_uri differs from that of the authorization request")
	case !verifies(form.Get("code_verifier"), code.Challenge):
		return nil, oauthFailure("invalid_grant", "code_verifier does not match the challenge")
	}
	code.family = s.newFamily(c.ID, code.accountID, code.Scopes)
	refresh := c.mayUse("refresh_token") && (!s.opts.OfflineOnly || code.AccessType == "offline")
	return s.answer(code.family, s.issue(code.family, code.Scopes, refresh), code.Scopes), nil
}

// verifies checks a PKCE verifier (RFC 7636 section 4.6). A verifier without a
// challenge is refused too: it is the sign of a downgrade (RFC 9700 section
// 2.1.1).
func verifies(verifier, challenge string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) == 1
}

// grantRefresh refreshes (section 6).
func (s *Server) grantRefresh(c Client, r *http.Request) (*tokenAnswer, *oauthError) {
	token := r.PostForm.Get("refresh_token")
	if token == "" {
		return nil, badRequest("refresh_token is missing")
	}
	if !strings.HasPrefix(token, refreshPrefix) {
		return nil, oauthFailure("invalid_grant", "refresh token is malformed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.refresh.get(token)
	if !ok || t.family.ClientID != c.ID || !s.usable(t) {
		return nil, oauthFailure("invalid_grant", "refresh token is invalid or revoked")
	}
	scopes := t.family.Scopes
	if narrow := strings.Fields(r.PostForm.Get("scope")); len(narrow) > 0 {
		if !subset(narrow, scopes) {
			return nil, oauthFailure("invalid_scope", "a scope was not granted")
		}
		scopes = narrow
	}
	rotate := s.opts.Rotation == RotateAlways
	s.use(t, rotate)
	return s.answer(t.family, s.issue(t.family, scopes, rotate), scopes), nil
}

// usable reports whether t can be used, and revokes its family if it was stolen
// or replayed. The caller holds s.mu.
func (s *Server) usable(t *refreshToken) bool {
	switch s.status(t) {
	case RefreshLive:
		return true
	case RefreshSuperseded:
		if s.inGrace(t) {
			return true
		}
		if !s.opts.ReuseKeepsFamily {
			t.family.revoke(ReasonReuse)
		}
	}
	return false
}

// use dates the use of t, and supersedes it if it is rotated. The time of its
// first rotation is what the grace window counts from. The caller holds s.mu.
func (s *Server) use(t *refreshToken, rotate bool) {
	t.usedAt = s.opts.Now()
	if rotate && t.supersededAt.IsZero() {
		t.supersededAt = t.usedAt
		t.family.superseded = t
	}
}

// grantClient gives a client a token of its own (section 4.4), never with a
// refresh token.
func (s *Server) grantClient(c Client, r *http.Request) (*tokenAnswer, *oauthError) {
	if c.public() {
		return nil, oauthFailure("unauthorized_client", "a public client has no credentials")
	}
	scopes := strings.Fields(r.PostForm.Get("scope"))
	if len(scopes) == 0 {
		scopes = s.opts.defaultScopes()
	}
	if !s.opts.knows(scopes) {
		return nil, oauthFailure("invalid_scope", "a scope is unknown")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer(nil, Grant{
		AccessToken: s.issueAccess(&accessToken{
			clientID: c.ID, accountID: s.opts.Accounts[0].ID, scopes: scopes,
		}),
		ExpiresIn: s.opts.AccessLifetime,
	}, scopes), nil
}

// answer puts g into words; f is nil if no person consented.
func (s *Server) answer(f *family, g Grant, scopes []string) *tokenAnswer {
	a := &tokenAnswer{
		AccessToken:  g.AccessToken,
		TokenType:    "bearer",
		RefreshToken: g.RefreshToken,
		Scope:        strings.Join(scopes, " "),
	}
	if !s.opts.OmitExpiresIn {
		a.ExpiresIn = int64(g.ExpiresIn / time.Second)
	}
	if f != nil {
		account := s.account(f.AccountID)
		a.AccountID, a.UID = account.ID, account.UID
	}
	return a
}
