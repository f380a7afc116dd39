package standin

import "net/http"

// metadata describes the authorization server (RFC 8414).
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	issuer := s.issuer(r)
	methods := []string{"client_secret_basic", "client_secret_post", "none"}
	switch s.opts.ClientAuth {
	case AuthBasic:
		methods = []string{"client_secret_basic", "none"}
	case AuthBody:
		methods = []string{"client_secret_post", "none"}
	}
	scopes := s.opts.defaultScopes()
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         issuer,
		"authorization_endpoint":                         issuer + "/oauth2/authorize",
		"token_endpoint":                                 issuer + "/oauth2/token",
		"revocation_endpoint":                            issuer + "/oauth2/revoke",
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          methods,
		"revocation_endpoint_auth_methods_supported":     methods,
		"scopes_supported":                               scopes,
		"authorization_response_iss_parameter_supported": true,
	})
}

// issuer returns the issuer identifier that the sender of r knows.
func (s *Server) issuer(r *http.Request) string {
	if s.opts.Issuer != "" {
		return s.opts.Issuer
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
