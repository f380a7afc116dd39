package problem

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestWhatAClientIsToldAboutAnError(t *testing.T) {
	const secret = "hunter2"
	cause := fmt.Errorf("the server said %s", secret)
	for _, tc := range []struct {
		err    error
		status int
		code   string
		retry  string
		pass   bool
	}{
		{tokenstore.ErrInvalidID, 404, "unknown_connection", "", false},
		{tokenstore.ErrNotFound, 404, "unknown_connection", "", false},
		{&tokenstore.ConsentNeededError{Reason: tokenstore.ReasonRevoked}, 409, "consent_needed", "", true},
		{&tokenstore.UnavailableError{RetryAfter: 1500 * time.Millisecond, Err: cause}, 503, "unavailable", "2", true},
		{&tokenstore.UnavailableError{Reason: secret}, 503, "unavailable", "1", true},
		{&tokenstore.MisconfiguredError{Reason: secret, RetryAfter: time.Minute, Err: cause}, 502, "provider_refuses_client", "60", true},
		{tokenstore.ErrClosed, 503, "store_unavailable", "1", false},
		{tokenstore.ErrDamagedRecord, 503, "store_unavailable", "1", false},
		{cause, 503, "store_unavailable", "1", false},
	} {
		p := Of(fmt.Errorf("wrapped: %w", tc.err))
		w := httptest.NewRecorder()
		p.Write(w)
		if w.Code != tc.status || p.Code != tc.code || w.Header().Get("Retry-After") != tc.retry || p.Passable() != tc.pass {
			t.Errorf("%v: status %d, %s, Retry-After %q, passable %t", tc.err, w.Code, p.Code, w.Header().Get("Retry-After"), p.Passable())
		}
		if strings.Contains(w.Body.String(), secret) || strings.Contains(w.Body.String(), "wrapped") {
			t.Errorf("%v is told: %s", tc.err, w.Body.String())
		}
	}
}
