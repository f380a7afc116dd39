package standin

import (
	"cmp"
	"slices"
)

// Families returns all families in the order of consent.
func (s *Server) Families() []Family {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Family, 0, len(s.families.items))
	for _, f := range s.families.items {
		all = append(all, f.snapshot())
	}
	slices.SortFunc(all, func(a, b Family) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Family returns the family with that ID.
func (s *Server) Family(id int) (Family, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.families.get(id)
	if !ok {
		return Family{}, false
	}
	return f.snapshot(), true
}

func (f *family) snapshot() Family {
	c := f.Family
	c.Scopes = slices.Clone(c.Scopes)
	return c
}

// RefreshStatus tells what a refresh token is good for, and which generation
// of its family it is.
func (s *Server) RefreshStatus(refreshToken string) (status RefreshStatus, generation int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.refresh.get(refreshToken)
	if !ok {
		return RefreshUnknown, 0
	}
	return s.status(t), t.generation
}

// RevokeFamily ends a family, as a person does who disconnects an app in the
// settings of the SaaS. It reports whether there is such a family.
func (s *Server) RevokeFamily(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.families.get(id)
	if ok {
		f.revoke(ReasonRevoked)
	}
	return ok
}

// ExpireAccessTokens lets every access token that was issued so far expire now.
func (s *Server) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	for _, t := range s.access.items {
		if t.expiresAt.After(now) {
			t.expiresAt = now
		}
	}
}

// RevokeAccessTokens makes every access token that was issued so far invalid
// and leaves refresh tokens alone.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access.items {
		t.revoked = true
	}
}
