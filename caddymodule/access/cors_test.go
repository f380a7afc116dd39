package access

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// preflight asks for method and headers on behalf of an allowed page.
func preflight(p *corsPolicy, method, headers string) *http.Response {
	r := newRequest("OPTIONS", "http://localhost/", "Origin: https://app.example.com", "Access-Control-Request-Method: "+method)
	if headers != "" {
		r.Header.Set("Access-Control-Request-Headers", headers)
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result()
}

// Versions 0.13.3 to 1.0.1 of jub0bs/cors refuse some of the headers that they were told to allow.
func TestPreflightsForEachConfiguredHeader(t *testing.T) {
	for name, c := range map[string]CORS{"proxy": ProxyCORS(), "endpoint": EndpointCORS()} {
		policy, err := newCORSPolicy([]string{"https://app.example.com"}, c)
		if err != nil {
			t.Fatal(err)
		}
		asked := []string{""}
		for _, header := range c.AllowHeaders {
			asked = append(asked, strings.ToLower(header))
		}
		slices.Sort(asked) // as browsers do
		asked = append(asked, strings.Join(asked[1:], ","))
		for _, method := range c.AllowMethods {
			for _, headers := range asked {
				if res := preflight(policy, method, headers); res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Max-Age") != "600" {
					t.Errorf("%s: %s with %q: status %d, %v", name, method, headers, res.StatusCode, res.Header)
				}
			}
		}
		for _, headers := range []string{"x-forwarded-for", "dropbox-api-select-user", "dropbox-api-select-admin", "x-anything"} {
			if res := preflight(policy, "GET", headers); res.StatusCode != http.StatusForbidden || res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %s is allowed", name, headers)
			}
		}
	}
}

func TestConfiguredListsReplaceTheDefaults(t *testing.T) {
	c := &CORS{AllowHeaders: []string{"X-Mine"}, AllowMethods: []string{"PUT"}, ExposeHeaders: []string{"X-Yours"}, MaxAge: 5e9}
	policy, err := newCORSPolicy([]string{"https://app.example.com"}, c.or(ProxyCORS()))
	if err != nil {
		t.Fatal(err)
	}
	if res := preflight(policy, "PUT", "x-mine"); res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Max-Age") != "5" {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
	for method, headers := range map[string]string{"PATCH": "", "PUT": "authorization"} {
		if res := preflight(policy, method, headers); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s with %q: status %d, want 403", method, headers, res.StatusCode)
		}
	}
}

func TestOriginPatterns(t *testing.T) {
	for _, valid := range []string{"https://app.example.com", "http://localhost:5173", "http://nas.lan", "https://*.example.com", "http://localhost:*", "chrome-extension://abcdef", "*"} {
		if err := checkOriginPattern(valid); err != nil {
			t.Errorf("%s: %v", valid, err)
		}
	}
	for invalid, hint := range map[string]string{
		"":                                 "is no origin",
		"null":                             "sandboxed",
		"app.example.com":                  "is no origin",
		"https://app.example.com/":         "is no origin",
		"https://app.example.com:443":      "is no origin",
		"https://APP.example.com":          "is no origin",
		"https://app.*.com":                "is no origin",
		"https://*":                        "is no origin",
		"https://r\u00e9sum\u00e9.example": "is no origin",
		"file:///tmp":                      "is no origin",
		"file://x":                         "is no origin",
		"https://*.com":                    "public suffix",
		"https://*.github.io":              "public suffix",
	} {
		if err := checkOriginPattern(invalid); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v, want an error with %q", invalid, err, hint)
		}
	}
}

func FuzzOriginThatIsNotAllowed(f *testing.F) {
	for _, group := range OriginGroups() {
		for _, origin := range group.Values {
			f.Add(origin)
		}
	}
	policy, err := newCORSPolicy([]string{"https://app.example.com"}, EndpointCORS())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		if got := policy.allows(origin); got != (origin == "https://app.example.com") {
			t.Errorf("allows(%q) = %t", origin, got)
		}
	})
}

// A pattern must not match what another parser takes for something else.
func FuzzOriginBelowAPattern(f *testing.F) {
	for _, group := range OriginGroups() {
		for _, origin := range group.Values {
			f.Add(origin)
			f.Add(origin + ".wild.example")
		}
	}
	policy, err := newCORSPolicy([]string{"https://*.wild.example"}, EndpointCORS())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		if !policy.allows(origin) {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" || !strings.HasSuffix(u.Host, ".wild.example") || u.String() != "https://"+u.Hostname() {
			t.Errorf("%q is allowed, which is %+v, %v", origin, u, err)
		}
	})
}
