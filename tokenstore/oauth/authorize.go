package oauth

import (
	"strings"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// AuthorizeRequest is what one consent adds to a provider's authorization URL.
type AuthorizeRequest struct {
	// State comes back with the code; see [NewState].
	State string
	// Verifier is the secret half of PKCE, of which only the S256 challenge is
	// in the URL (RFC 7636); see [NewVerifier].
	Verifier    secret.String
	RedirectURI string
	// Scopes to ask for; nil means those of the endpoint.
	Scopes []string
}

// AuthorizeURL returns where to send a person's browser for consent (RFC 6749
// section 4.1.1). The endpoint's own parameters cannot replace the state, the
// redirect URI, the client id or the code challenge.
func (c *Client) AuthorizeURL(e *Endpoint, r AuthorizeRequest) string {
	var opts []oauth2.AuthCodeOption
	set := func(k, v string) {
		if v != "" {
			opts = append(opts, oauth2.SetAuthURLParam(k, v))
		}
	}
	scopes := r.Scopes
	if scopes == nil {
		scopes = e.Scopes
	}
	set("scope", e.joinScopes(scopes))
	for k, v := range e.AuthorizeParams {
		switch k {
		case "state", "redirect_uri", "client_id", "code_challenge", "code_challenge_method":
		default:
			set(k, v)
		}
	}
	if !e.NoPKCE && !r.Verifier.IsZero() {
		opts = append(opts, oauth2.S256ChallengeOption(r.Verifier.Reveal()))
	}
	cfg := config(e, e.TokenURL)
	cfg.RedirectURL = r.RedirectURI
	return cfg.AuthCodeURL(r.State, opts...)
}

// NewVerifier returns a fresh PKCE verifier of 256 random bits.
func NewVerifier() secret.String { return secret.New(oauth2.GenerateVerifier()) }

// NewState returns a fresh state of 256 random bits, safe in a URL.
func NewState() string { return oauth2.GenerateVerifier() }

func (e *Endpoint) joinScopes(scopes []string) string {
	if e.ScopeSeparator == "" {
		return strings.Join(scopes, " ")
	}
	return strings.Join(scopes, e.ScopeSeparator)
}
