package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// hostileOrigins are those that are not https://app.example.com, nor below
// https://wild.example, nor http://localhost:5173.
func hostileOrigins() []string {
	return slices.Concat(
		[]string{
			"null", "NULL", "", "*", "file://", "file:///", "about:blank", "data:", "javascript:alert(1)", "undefined", "true",
			"https://evil.com", "https://example.com", "https://app.example.com.evil.com", "https://evilapp.example.com", "https://a.app.example.com",
			"https://app.example.co", "https://app.example.comm", "https://app.example", "https://pp.example.com", "https://app-example.com", "https://appXexample.com",
			"https://app.example.com:443", "https://app.example.com:444", "https://app.example.com:0", "https://app.example.com:",
			"https://app.example.com:443:443", "https://app.example.com:65536", "https://app.example.com:+443",
			"http://app.example.com", "http://app.example.com:443", "ws://app.example.com", "wss://app.example.com", "ftp://app.example.com",
			"HTTPS://app.example.com", "HTTPS://APP.EXAMPLE.COM", "https://APP.example.com", "Https://app.example.com",
			"https://app.example.com.", "https://app.example.com..", "https://.app.example.com",
			"https://app.example.com/", "https://app.example.com/path", "https://app.example.com?", "https://app.example.com#",
			"https://app.example.com\\", "https://app.example.com\\.evil.com", "https://app.example.com/.evil.com",
			"https://app.example.com@evil.com", "https://user@app.example.com", "https://user:pass@app.example.com", "https://evil.com#@app.example.com",
			"https://app.example.com, https://evil.com", "https://evil.com, https://app.example.com", "https://app.example.com https://evil.com",
			"https://app.example.com,https://app.example.com", " https://app.example.com", "https://app.example.com ", "https://app.example.com\t",
			"https:// app.example.com", "https:/app.example.com", "https:app.example.com", "https:///app.example.com", "//app.example.com", "app.example.com", "://app.example.com",
			"https://\u0430pp.example.com", "https://app.ex\u00e4mple.com", "https://xn--pp-7lc.example.com", "https://app\u3002example.com", "https://app\uff0eexample.com", "https://app.example.com\u200b",
			"https://wild.example", "https://evilwild.example", "https://a.wild.example.evil.com", "http://a.wild.example", "https://a.wild.example:8443",
			"https://.wild.example",
			"http://localhost", "http://localhost:5174", "http://localhost:51733", "http://localhost:05173", "https://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173",
			"http://evil.localhost:5173", "http://localhost.:5173", "http://localhost.evil.com:5173", "http://LOCALHOST:5173", "http://localhost:5173/",
			"chrome-extension://abcdefghijklmnop", "moz-extension://abc", "capacitor://localhost", "app://localhost", "blob:https://app.example.com/x",
			"https://" + strings.Repeat("a", 8<<10) + ".wild.example", "https://app.example.com" + strings.Repeat("/", 8<<10),
		},
		// Bytes that one parser or another takes for the end of a host.
		splitBy("https://app.example.com%s.evil.com", "%60", "%2e", "%00", "`", "{", "}", "|", "~", "!", "$", "&", "'", "(", ")", "*", "+", ",", ";", "=", "_", "-", "\"", "<", ">", "^", "\x7f"),
	)
}

func splitBy(format string, separators ...string) (list []string) {
	for _, s := range separators {
		list = append(list, fmt.Sprintf(format, s))
	}
	return list
}

// threeKinds are a request that needs no preflight, the one that Dropbox takes in place of
// one that does, and a preflight.
func threeKinds(origin string) map[string]*http.Request {
	kinds := map[string]*http.Request{
		"simple GET":  newRequest("GET", "http://localhost/"),
		"simple POST": newRequest("POST", "http://localhost/", "Content-Type: text/plain; charset=dropbox-cors-hack"),
		"preflight": newRequest("OPTIONS", "http://localhost/",
			"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization", "Access-Control-Request-Private-Network: true"),
	}
	for _, r := range kinds {
		r.Header["Origin"] = []string{origin}
	}
	return kinds
}

var friendlyPages = Access{Allow: &Allow{
	Local: true, Origins: []string{"https://app.example.com", "https://*.wild.example", "http://localhost:5173"},
}}

func TestHostileOriginsAreRefusedWhateverTheyAskFor(t *testing.T) {
	g := newTestGate(t, friendlyPages)
	origins := hostileOrigins()
	if len(origins) < 100 {
		t.Fatalf("only %d origins", len(origins))
	}
	for _, origin := range origins {
		t.Run(fmt.Sprintf("%.60q", origin), func(t *testing.T) {
			for kind, r := range threeKinds(origin) {
				res, ok := try(g, r)
				if ok || res.StatusCode != http.StatusForbidden {
					t.Errorf("%s: admitted %t, status %d; want 403", kind, ok, res.StatusCode)
				}
				for name := range res.Header {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s: the answer has %s", kind, name)
					}
				}
			}
		})
	}
}

func TestAllowedOriginsAreLetIn(t *testing.T) {
	g := newTestGate(t, friendlyPages)
	for _, origin := range []string{"https://app.example.com", "https://a.wild.example", "https://b.a.wild.example", "http://localhost:5173"} {
		for kind, r := range threeKinds(origin) {
			res, ok := try(g, r)
			if preflight := kind == "preflight"; ok == preflight {
				t.Errorf("%s: %s: admitted %t", origin, kind, ok)
			} else if preflight && res.StatusCode != http.StatusNoContent {
				t.Errorf("%s: %s: status %d", origin, kind, res.StatusCode)
			}
			if got := res.Header["Access-Control-Allow-Origin"]; len(got) != 1 || got[0] != origin {
				t.Errorf("%s: %s: Access-Control-Allow-Origin %q", origin, kind, got)
			}
			if got := res.Header["Vary"]; len(got) != 1 || got[0] != "Origin" {
				t.Errorf("%s: %s: Vary %q", origin, kind, got)
			}
			if res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: %s: credentials are allowed", origin, kind)
			}
		}
	}
}

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
	for _, origin := range hostileOrigins() {
		f.Add(origin)
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
	for _, origin := range hostileOrigins() {
		f.Add(origin)
		f.Add(origin + ".wild.example")
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
