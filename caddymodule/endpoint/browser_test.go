package endpoint_test

import (
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// fetch sends what a browser sends for `fetch(url)` in a page of origin, where no preflight
// is needed. More headers are those that it adds by itself.
func fetch(s *testcaddy.Site, origin, path string, more ...string) testcaddy.Reply {
	s.T.Helper()
	headers := []string{
		"Origin: " + origin, "Referer: " + origin + "/", "Accept: */*", "Accept-Language: en", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
		"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty",
	}
	return s.Do(s.NewClient(), "GET", s.URL(path), "", append(headers, more...)...)
}

// askLeave sends the preflight that a browser sends before a request with more than that.
func askLeave(s *testcaddy.Site, origin, path, method, header string) testcaddy.Reply {
	s.T.Helper()
	return s.Do(s.NewClient(), "OPTIONS", s.URL(path), "", "Origin: "+origin, "Sec-Fetch-Mode: cors", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
		"Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: "+header)
}

// isReadable is the CORS check of the Fetch standard: whether a browser shows the answer to a
// page of origin.
func isReadable(a testcaddy.Reply, origin string, credentials bool) bool {
	allowed := a.Header.Values("Access-Control-Allow-Origin")
	switch {
	case len(allowed) != 1:
		return false
	case !credentials && allowed[0] == "*":
		return true
	case allowed[0] != origin:
		return false
	}
	return !credentials || a.Header.Get("Access-Control-Allow-Credentials") == "true"
}

// grants is what the Fetch standard asks of the answer to a preflight, for a request without credentials.
func grants(a testcaddy.Reply, origin, header string) bool {
	allowed := strings.Split(strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), ",")
	return a.StatusCode >= 200 && a.StatusCode < 300 && isReadable(a, origin, false) && slices.Contains(allowed, header)
}
