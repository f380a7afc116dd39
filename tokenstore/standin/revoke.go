package standin

import "net/http"

// revoke is the revocation endpoint (RFC 7009). A refresh token takes its whole
// family with it, an access token only itself.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	if fail := s.revokeToken(r); fail != nil {
		fail.write(w)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (s *Server) revokeToken(r *http.Request) *oauthError {
	if fail := s.readForm(r); fail != nil {
		return fail
	}
	c, fail := s.authenticate(r)
	if fail != nil {
		return fail
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return badRequest("token is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	foreign := oauthFailure("unauthorized_client", "the token belongs to another client")
	if t, ok := s.refresh.get(token); ok {
		if t.family.ClientID != c.ID {
			return foreign
		}
		t.family.revoke(ReasonRevoked)
	} else if t, ok := s.access.get(token); ok {
		if t.clientID != c.ID {
			return foreign
		}
		t.revoked = true
	}
	// An unknown token is as good as revoked (section 2.2).
	return nil
}

// revokeBearer is Dropbox's own way: the access token that the request bears is
// revoked, and its refresh token with it.
func (s *Server) revokeBearer(w http.ResponseWriter, r *http.Request) {
	t, fail := s.bearer(r)
	if fail != nil {
		fail.write(w)
		return
	}
	s.mu.Lock()
	t.revoked = true
	if t.family != nil {
		t.family.revoke(ReasonRevoked)
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, nil)
}
