package connect

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestPagesOfConsentErrors(t *testing.T) {
	for err, status := range map[error]int{
		tokenstore.ErrInvalidConsent:     400,
		tokenstore.ErrOtherBrowser:       403,
		&tokenstore.ConsentDeniedError{}: 403,
		tokenstore.ErrAccountChanged:     409,
		tokenstore.ErrTooManyConsents:    503,
		tokenstore.ErrNoConsent:          400,
		tokenstore.ErrNotFound:           404,
		tokenstore.ErrInvalidID:          404,
		&tokenstore.MisconfiguredError{}: 502,
		&tokenstore.UnavailableError{}:   503,
		tokenstore.ErrClosed:             500,
		errors.New("<b>of a server</b>"): 500,
	} {
		p := consentErrorPage(fmt.Errorf("wrapped: %w", err))
		body, renderErr := p.render("nonce")
		if p.status != status || renderErr != nil || strings.Contains(string(body), "of a server") {
			t.Errorf("%v: status %d, want %d; %v\n%s", err, p.status, status, renderErr, body)
		}
	}
}

func TestCookieOverHTTPS(t *testing.T) {
	c := &Connect{PublicURL: "https://tokens.example.com"}
	var err error
	if c.public, err = parsePublicURL(c.PublicURL); err != nil {
		t.Fatal(err)
	}
	cookie, ok := c.bindingCookie(httptest.NewRequest("GET", "http://inside/", nil), tokenstore.Consent{URL: "https://as.example/authorize?state=s", Binding: "b"})
	if !ok || !strings.HasPrefix(cookie.Name, "__Host-"+cookiePrefix) || !cookie.Secure || !cookie.HttpOnly ||
		cookie.Path != "/" || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode || cookie.Value != "b" {
		t.Errorf("%t, %+v", ok, cookie)
	}
	if _, ok := c.bindingCookie(httptest.NewRequest("GET", "http://inside/", nil), tokenstore.Consent{URL: "https://as.example/authorize"}); ok {
		t.Error("a consent without a state has a cookie")
	}
}
