package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestAdminErrors(t *testing.T) {
	secret := errors.New("canary")
	id := tokenstore.ID{Provider: "acme", Name: "a"}
	tests := []struct {
		name       string
		err        error
		status     int
		retryAfter string
	}{
		{"any other error", secret, 500, ""},
		{"a cause behind one that is known", fmt.Errorf("%w: %w", tokenstore.ErrDamagedRecord, secret), 409, ""},
		{"a record that cannot be written", fmt.Errorf("%w: %w: %w", tokenstore.ErrDamagedRecord, tokenstore.ErrUnwritable, secret), 409, ""},
		{"no token for now", &tokenstore.UnavailableError{ID: id, RetryAfter: 1500 * time.Millisecond, Err: secret}, 503, "2"},
		{"a client that is refused", &tokenstore.MisconfiguredError{Provider: "acme", RetryAfter: time.Minute, Err: secret}, 502, "60"},
		{"a grant that is gone", &tokenstore.ConsentNeededError{ID: id, Reason: tokenstore.ReasonRevoked}, 409, ""},
		{"too many consents", tokenstore.ErrTooManyConsents, 429, ""},
		{"a store that is closed", tokenstore.ErrClosed, 503, ""},
		{"a deadline", context.DeadlineExceeded, 504, ""},
		{"an answer that was made already", apiError(418, secret, "made"), 418, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			got, ok := answerError(w, tt.err).(caddy.APIError) //nolint:errorlint // Caddy does it like this, so it must not be wrapped
			if !ok || got.HTTPStatus != tt.status || got.Message == "" || strings.Contains(got.Message, "canary") {
				t.Errorf("got %#v", got)
			}
			if after := w.Header().Get("Retry-After"); after != tt.retryAfter {
				t.Errorf("Retry-After %q, want %q", after, tt.retryAfter)
			}
		})
	}
	if answerError(httptest.NewRecorder(), nil) != nil {
		t.Error("no error became one")
	}
}
