package connect

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/query"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// callback ends a consent: the authorization server sent the browser back.
func (c *Connect) callback(w http.ResponseWriter, r *http.Request, provider string) page {
	if _, ok := c.app.Provider(provider); !ok {
		return noProviderPage()
	}
	if r.Method != http.MethodGet {
		return methodPage("GET")
	}
	params, ok := query.Single(r.URL.RawQuery, "state", "code", "error", "iss")
	// One of code and error, and never both (RFC 6749 section 4.1.2).
	if !ok || params["state"] == "" || (params["code"] == "") == (params["error"] == "") {
		return badQueryPage()
	}
	cookie, err := r.Cookie(c.cookieName(r, params["state"]))
	if err != nil || cookie.Value == "" {
		return otherBrowserPage()
	}
	store, err := c.store()
	if err != nil {
		return c.failed("open the store", tokenstore.ID{Provider: provider}, err)
	}
	done, err := store.FinishConsent(r.Context(), tokenstore.ConsentCallback{
		Provider: provider, State: params["state"], Code: params["code"], Error: params["error"],
		Issuer: params["iss"], Binding: cookie.Value,
	})
	http.SetCookie(w, c.expired(r, cookie.Name))
	switch {
	case err == nil:
	case done.ID == (tokenstore.ID{}): // no consent that this browser began
		return c.unproven("finish", tokenstore.ID{Provider: provider}, err)
	default:
		return c.failed("finish", done.ID, err)
	}
	c.log.Info("consent finished", zap.Stringer("connection", done.ID))
	if done.ReturnTo != "" && isReturnTo(done.ReturnTo) {
		return page{status: http.StatusSeeOther, location: done.ReturnTo}
	}
	return page{status: http.StatusOK, name: "done", data: doneView{ID: done.ID.String(), Account: done.Account}}
}

// failed logs why a consent came to nothing and returns the page that says so in
// fixed words.
func (c *Connect) failed(op string, id tokenstore.ID, err error) page {
	return c.logged(zap.WarnLevel, op, id, err)
}

// unproven is failed for a request that has shown no right to anything yet. What anybody can
// provoke with a made-up link is for debugging only: it would bury what an operator should see.
func (c *Connect) unproven(op string, id tokenstore.ID, err error) page {
	if errors.Is(err, tokenstore.ErrInvalidConsent) || errors.Is(err, tokenstore.ErrOtherBrowser) {
		return c.logged(zap.DebugLevel, op, id, err)
	}
	return c.failed(op, id, err)
}

func (c *Connect) logged(level zapcore.Level, op string, id tokenstore.ID, err error) page {
	p := consentErrorPage(err)
	c.log.Log(level, "consent failed", zap.String("operation", op), zap.String("provider", id.Provider),
		zap.String("name", id.Name), zap.Int("status", p.status), zap.Error(err))
	return p
}

// consentErrorPage says what a person is told about an error of a consent.
func consentErrorPage(err error) page {
	switch {
	case errors.Is(err, tokenstore.ErrInvalidConsent):
		return errorPage(http.StatusBadRequest, "No longer valid", "This link or this attempt was used already, has expired, or was begun elsewhere. Begin again.")
	case errors.Is(err, tokenstore.ErrOtherBrowser):
		return otherBrowserPage()
	case errors.Is(err, tokenstore.ErrConsentDenied):
		return errorPage(http.StatusForbidden, "No consent was given", "The provider reports that the consent was not given. Nothing has changed. You can begin again at any time.")
	case errors.Is(err, tokenstore.ErrAccountChanged):
		return errorPage(http.StatusConflict, "Another account", "You signed in with another account than the one this connection belongs to. Nothing has changed. Sign out at the provider and begin again, or have the connection deleted first.")
	case errors.Is(err, tokenstore.ErrTooManyConsents):
		p := errorPage(http.StatusServiceUnavailable, "Too busy", "Too many consents are under way. Try again in a minute.")
		p.retryAfter = "60"
		return p
	case errors.Is(err, tokenstore.ErrNoConsent):
		return errorPage(http.StatusBadRequest, "Nothing to connect", "Connections of this provider need nobody's consent.")
	case errors.Is(err, tokenstore.ErrNotFound), errors.Is(err, tokenstore.ErrInvalidID):
		return noProviderPage()
	case errors.Is(err, tokenstore.ErrMisconfigured):
		return errorPage(http.StatusBadGateway, "The provider refuses this client", "Whoever runs the server has to check the client id, the secret and the redirect URI that are registered at the provider.")
	case errors.Is(err, tokenstore.ErrUnavailable):
		return errorPage(http.StatusServiceUnavailable, "Not now", "The provider does not answer as it should. Begin again in a minute.")
	}
	return internalPage()
}

// readForm reads a small form's fields, each given once at most.
func readForm(r *http.Request, names ...string) (map[string]string, bool) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil, false
	}
	body := http.MaxBytesReader(nil, r.Body, query.MaxLength)
	var sb strings.Builder
	if _, err := io.Copy(&sb, body); err != nil {
		return nil, false
	}
	return query.Single(sb.String(), names...)
}
