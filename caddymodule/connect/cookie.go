package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// cookiePrefix begins the names of the cookies that bind consents to a browser.
const cookiePrefix = "token_store_"

// bindingCookie binds a consent to the browser that begins it. Each consent has a cookie
// of its own, so that several can be under way in one browser.
func (c *Connect) bindingCookie(r *http.Request, consent tokenstore.Consent) (cookie *http.Cookie, ok bool) {
	u, err := url.Parse(consent.URL)
	if err != nil {
		return nil, false
	}
	state := u.Query().Get("state")
	if state == "" {
		return nil, false
	}
	cookie = c.cookie(r, c.cookieName(r, state))
	cookie.Value = consent.Binding
	cookie.Expires = consent.ExpiresAt.UTC()
	return cookie, true
}

// expired takes a cookie away.
func (c *Connect) expired(r *http.Request, name string) *http.Cookie {
	cookie := c.cookie(r, name)
	cookie.MaxAge = -1
	return cookie
}

// cookie has to be Lax: the authorization server sends the browser back from
// another site, and Strict would withhold it then.
func (c *Connect) cookie(r *http.Request, name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: c.secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// cookieName is made of the state, which is random, new for each consent and comes back with the
// callback. The prefix keeps other hosts of the domain and plain http from
// setting the cookie; browsers accept it over https only.
func (c *Connect) cookieName(r *http.Request, state string) string {
	sum := sha256.Sum256([]byte(state))
	name := cookiePrefix + hex.EncodeToString(sum[:16])
	if c.secure(r) {
		return "__Host-" + name
	}
	return name
}

func (c *Connect) secure(r *http.Request) bool { return strings.HasPrefix(c.origin(r), "https://") }
