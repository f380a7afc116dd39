package oauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                                    0,
		"0":                                   0,
		"7":                                   7 * time.Second,
		" 7 ":                                 7 * time.Second,
		"3600":                                time.Hour,
		"3601":                                time.Hour,
		"1000000000":                          time.Hour,
		"99999999999999999999999999999999999": time.Hour,
		"-1":                                  0,
		"+5":                                  0,
		"1.5":                                 0,
		"soon":                                0,
		"5 s":                                 0,
		noon.Add(time.Minute).Format(http.TimeFormat):     time.Minute,
		noon.Add(-time.Minute).Format(http.TimeFormat):    0,
		noon.AddDate(90, 0, 0).Format(http.TimeFormat):    time.Hour,
		noon.Add(time.Minute).Format(time.ANSIC):          time.Minute,
		noon.Add(time.Minute).Format(time.RFC3339):        0,
		noon.Add(time.Minute).Format(http.TimeFormat)[1:]: 0,
	} {
		for _, status := range []int{429, 503} {
			srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Retry-After"] = []string{header}
				w.WriteHeader(status)
			})
			_, err := newClient().Refresh(t.Context(), endpoint(srv.URL), secret.New("SENT"))
			words := "transient status"
			if want != 0 {
				words += " after=" + want.String()
			}
			if status == 503 {
				words += " in doubt"
			}
			if got := outcome(nil, err); got != words {
				t.Errorf("%q with %d: got %s, want %s", header, status, got, words)
			}
			srv.only(t)
		}
	}
}
