package standin

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
)

// Client is an OAuth client.
type Client struct {
	ID string
	// Secret is what the client authenticates with. Without one the client is
	// public: it names itself by client_id and must use PKCE.
	Secret string
	// Name is what the consent page calls the client; empty means its ID.
	Name string
	// RedirectURIs are compared byte by byte. An authorization request may leave
	// redirect_uri out if there is exactly one.
	RedirectURIs []string
	// GrantTypes are those that the client may use; empty means all.
	GrantTypes []string
}

// SetClient registers c, or replaces the client with the same ID: its secret is
// rotated then, and its grants stay.
func (s *Server) SetClient(c Client) {
	c.RedirectURIs = slices.Clone(c.RedirectURIs)
	c.GrantTypes = slices.Clone(c.GrantTypes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c.ID] = c
}

func (s *Server) client(id string) (Client, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clients[id]
	return c, ok
}

func (c Client) title() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

func (c Client) public() bool { return c.Secret == "" }

func (c Client) mayUse(grantType string) bool {
	return len(c.GrantTypes) == 0 || slices.Contains(c.GrantTypes, grantType)
}

// authenticate finds out which client sent r (RFC 6749 section 2.3).
func (s *Server) authenticate(r *http.Request) (Client, *oauthError) {
	id, secret, basic, ok := basicCredentials(r)
	if !ok {
		return Client{}, invalidClient(true, "credentials in the Authorization header are malformed")
	}
	if basic {
		if r.PostForm.Has("client_secret") {
			return Client{}, badRequest("more than one method of client authentication")
		}
		if body := r.PostForm.Get("client_id"); body != "" && body != id {
			return Client{}, badRequest("client_id differs from the authenticated client")
		}
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	c, known := s.client(id)
	same := subtle.ConstantTimeCompare([]byte(secret), []byte(c.Secret)) == 1
	if !known || !same {
		return Client{}, invalidClient(basic, "unknown client, or wrong secret")
	}
	if c.public() {
		return c, nil
	}
	if want := s.opts.ClientAuth; want == AuthBasic && !basic || want == AuthBody && basic {
		return Client{}, invalidClient(basic || want == AuthBasic, "this method of client authentication is not accepted")
	}
	return c, nil
}

// basicCredentials reads HTTP Basic credentials, both parts of which are
// form-encoded (RFC 6749 section 2.3.1). It is not ok if there is an
// Authorization header that holds none.
func basicCredentials(r *http.Request) (id, secret string, basic, ok bool) {
	if r.Header.Get("Authorization") == "" {
		return "", "", false, true
	}
	user, pass, found := r.BasicAuth()
	if !found {
		return "", "", true, false
	}
	id, errID := url.QueryUnescape(user)
	secret, errSecret := url.QueryUnescape(pass)
	return id, secret, true, errID == nil && errSecret == nil
}
