package durability

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// newAuthority starts an authorization server that remembers nothing: the refresh token r.NAME.7 is
// good for a.NAME.8 and r.NAME.8. So it shows to anybody, at any time, which refresh token a store had, and
// can talk to many stores that come from the same one.
func newAuthority(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		token := r.PostFormValue("refresh_token")
		switch name, n := numbered(token); {
		case r.URL.Path == "/oauth2/revoke":
		case r.URL.Path == "/oauth2/token" && n > 0 && strings.HasPrefix(token, "r."):
			fmt.Fprintf(w, `{"access_token":"a.%s.%d","refresh_token":"r.%[1]s.%[2]d","token_type":"bearer","expires_in":3600}`, name, n+1)
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// numbered takes a token of the authority apart. The number is 0 if it is none.
func numbered(token string) (name string, n int) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", 0
	}
	n, err := strconv.Atoi(parts[2])
	if err != nil {
		return "", 0
	}
	return parts[1], n
}
