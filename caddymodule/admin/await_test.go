package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestARequestWaitsForTheFirstConfiguration(t *testing.T) {
	for _, test := range []struct {
		name         string
		after, takes time.Duration
		status       int // of the error, 0 if there is none
	}{
		{"which is there", 0, 0, 0},
		{"which comes in a moment", 300 * time.Millisecond, 300 * time.Millisecond, 0},
		{"which does not come", time.Hour, startPatience, http.StatusServiceUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, handled := time.Now(), false
				a := &api{configured: func() bool { return time.Since(began) >= test.after }}
				route := a.route("GET /", func(http.ResponseWriter, *http.Request) error {
					handled = true
					return nil
				})
				err := route.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
				refused, _ := errors.AsType[caddy.APIError](err)
				if refused.HTTPStatus != test.status || handled != (test.status == 0) {
					t.Errorf("it was handled: %t; %v", handled, err)
				}
				if took := time.Since(began); took != test.takes {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}
