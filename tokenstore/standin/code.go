package standin

import (
	"crypto/rand"
	"time"
)

// code is an authorization code. A used one is remembered, so that its replay
// is noticed.
type code struct {
	authorization
	accountID string
	expiresAt time.Time
	used      bool
	family    *family // what came of it, nil until then
}

// issueCode grants a to the account.
func (s *Server) issueCode(a authorization, accountID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := codePrefix + rand.Text()
	s.codes.put(name, &code{
		authorization: a,
		accountID:     accountID,
		expiresAt:     s.opts.Now().Add(s.opts.CodeLifetime),
	})
	return name
}
