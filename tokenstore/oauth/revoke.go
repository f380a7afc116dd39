package oauth

import (
	"context"
	"net/http"
	"net/url"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// Revocation names the tokens of a grant that is to end. Which of them is sent
// depends on the endpoint's RevokeStyle.
type Revocation struct {
	AccessToken  secret.String
	RefreshToken secret.String
}

// Revoke ends a grant at the provider (RFC 7009, or in the provider's own way).
// It may be repeated: to revoke what is revoked already is a success at servers
// that keep to the RFC. Without a RevokeURL it returns an error of class Config,
// and without a token that could be sent a transient one; nothing is sent then.
func (c *Client) Revoke(ctx context.Context, e *Endpoint, t Revocation) error {
	v := c.converse(e, opRevoke, nil, t.AccessToken, t.RefreshToken)
	if CheckURL(e.RevokeURL) != nil {
		return v.refuse(reasonURL)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.RevokeURL, nil)
	if err != nil {
		return v.refuse(reasonURL)
	}
	if !v.addRevocation(req, t) {
		return &Error{Op: opRevoke, Class: Transient, Reason: reasonNoToken}
	}
	reply, failure := v.send(req)
	if failure == nil {
		failure = v.judgeRevocation(reply)
	}
	if failure != nil {
		return failure
	}
	return nil
}

// addRevocation makes req one. It reports false if there is no token to send.
func (v *conversation) addRevocation(req *http.Request, t Revocation) bool {
	e := v.endpoint
	if e.RevokeStyle == RevokeBearer {
		req.Header.Set("Authorization", "Bearer "+t.AccessToken.Reveal())
		return !t.AccessToken.IsZero()
	}
	form := url.Values{"token": {t.RefreshToken.Reveal()}, "token_type_hint": {"refresh_token"}}
	if t.RefreshToken.IsZero() {
		form = url.Values{"token": {t.AccessToken.Reveal()}, "token_type_hint": {"access_token"}}
	}
	if e.AuthStyle == AuthHeader {
		// Form-encoded first, as RFC 6749 section 2.3.1 has it.
		req.SetBasicAuth(url.QueryEscape(e.ClientID), url.QueryEscape(e.ClientSecret.Reveal()))
	} else {
		form.Set("client_id", e.ClientID)
		if s := e.secretToSend(); !s.IsZero() {
			form.Set("client_secret", s.Reveal())
		}
	}
	v.setBody(req, form)
	return form.Get("token") != ""
}
