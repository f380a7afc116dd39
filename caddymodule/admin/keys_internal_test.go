package admin

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestErrorsOfKeys(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		says   string
	}{
		"the storage takes nothing": {fmt.Errorf("caller key: %w: canary", storage.ErrUnavailable), 503, "unsaved"},
		"anything else":             {errors.New("canary"), 503, "unsaved"},
		"the store is closed":       {fmt.Errorf("canary: %w", tokenstore.ErrClosed), 503, "the token store is closing; try again"},
		"the name is taken":         {fmt.Errorf("canary: %w", callerkey.ErrExists), 409, callerkey.ErrExists.Error()},
		"there is no room":          {fmt.Errorf("canary: %w", callerkey.ErrTooMany), 409, callerkey.ErrTooMany.Error()},
		"there is none":             {fmt.Errorf("canary: %w", callerkey.ErrNotFound), 404, callerkey.ErrNotFound.Error()},
		"it is invalid":             {fmt.Errorf("%w name", callerkey.ErrInvalid), 422, "invalid name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := answerError(httptest.NewRecorder(), keyError(tt.err, "unsaved")).(caddy.APIError) //nolint:errorlint // Caddy does it like this, so it must not be wrapped
			if !ok || got.HTTPStatus != tt.status || got.Message != tt.says {
				t.Errorf("got %#v", got)
			}
		})
	}
}
