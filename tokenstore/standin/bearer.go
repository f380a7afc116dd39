package standin

import (
	"net/http"
	"slices"
	"strings"
)

// implied lists, by scope, those that include it: Dropbox grants no writing
// without the reading of metadata.
var implied = map[string][]string{
	"files.metadata.read": {"files.metadata.write", "files.content.read", "files.content.write"},
}

// bearer returns the access token that r bears.
func (s *Server) bearer(r *http.Request) (*accessToken, *apiError) {
	values := r.Header.Values("Authorization")
	invalid := unauthorized(tag("invalid_access_token"), "invalid_access_token")
	if len(values) > 1 {
		return nil, badInput("There is more than one Authorization header.")
	}
	if len(values) == 0 {
		return nil, invalid
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, invalid
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.access.get(token)
	switch {
	case !ok, t.revoked, t.family != nil && t.family.Revoked:
		return nil, invalid
	case !s.opts.Now().Before(t.expiresAt):
		return nil, unauthorized(tag("expired_access_token"), "expired_access_token")
	}
	return t, nil
}

// demand refuses a token that was not granted scope; an empty one is granted to
// everybody.
func (t *accessToken) demand(scope string) *apiError {
	if scope == "" || slices.Contains(t.scopes, scope) ||
		slices.ContainsFunc(implied[scope], func(s string) bool { return slices.Contains(t.scopes, s) }) {
		return nil
	}
	body := tag("missing_scope")
	body["required_scope"] = scope
	return unauthorized(body, "missing_scope")
}
