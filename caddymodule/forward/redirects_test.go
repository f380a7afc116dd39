package forward_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRedirectsOfTheAPIToItselfStayOnTheRoute(t *testing.T) {
	content := newAPI(t, echoBody)
	var location string
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Location"] = []string{location}
		w.Header()["Content-Location"] = []string{location}
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	hosts := a.host() + "/v2\nhost content " + content.URL
	const untouched = ""
	api, other := a.URL+"/v2", content.URL
	for _, tc := range []struct{ name, location, want string }{
		{"to the default host", api + "/files", "/saas/files"},
		{"to another host of the provider", other + "/download", "/saas/content/download"},
		{"with a query and a fragment", api + "/files?a=b%20c&d#e%20f", "/saas/files?a=b%20c&d#e%20f"},
		{"with an empty query", api + "/files?", "/saas/files?"},
		{"with escapes in the path", api + "/a%20b/%C3%A4%3F", "/saas/a%20b/%C3%A4%3F"},
		{"to the base path itself", api, "/saas/"},
		{"to a path that is like a host's name", api + "/content/x", "/saas/api/content/x"},
		{"to the host in capitals", strings.Replace(api, "http", "HTTP", 1) + "/x", "/saas/x"},
		{"by a path alone", "/v2/files", "/saas/files"},
		{"by a relative path", "other", "/saas/2/other"},
		{"by a relative path that goes up", "../up", "/saas/up"},
		{"by a query alone", "?page=2", "/saas/2/asked?page=2"},
		{"by a host without a scheme", strings.TrimPrefix(api, "http:") + "/x", "/saas/x"},

		{"to somebody else", "https://evil.example/v2/x", untouched},
		{"to a name that begins as the host's", a.URL + ".evil.example/v2/x", untouched},
		{"to the host, but not below its base path", a.URL + "/v1/x", untouched},
		{"to a base path that begins as the host's", api + "x/files", untouched},
		{"by a path out of the base path", "/v1/x", untouched},
		{"with another scheme", strings.Replace(api, "http:", "https:", 1) + "/x", untouched},
		{"with a user", strings.Replace(api, "//", "//user@", 1) + "/x", untouched},
		{"with a user that is like the host", strings.Replace(api, "//", "//"+a.address()+"@evil.example/", 1), untouched},
		{"with a scheme of its own", "javascript:alert(1)", untouched},
		{"by two slashes", "//evil.example/v2/x", untouched},
		{"by three slashes", "///evil.example", untouched},
		{"by a slash and a backslash", `/\evil.example`, untouched},
		{"to an empty segment", api + "//evil.example", untouched},
		{"to a backslash", api + `/\evil.example`, untouched},
		{"to an escaped slash", api + "/%2fevil.example", untouched},
		{"to an escaped dot segment", api + "/%2e%2e/%2e%2e/admin", untouched},
		{"to what is no URL", "http://[::1", untouched},
		{"to nothing", "", "/saas/2/asked"}, // RFC 3986: this very document
	} {
		t.Run(tc.name, func(t *testing.T) {
			location = tc.location
			p := proxyToSite(t, hosts, "handle_path /saas/* {\ntoken_proxy demo/one {\nrewrite_redirects\n}\n}")
			res, _ := p.wantGet("/saas/2/asked", http.StatusTemporaryRedirect)
			want := tc.want
			if want == untouched {
				want = tc.location
			}
			for _, name := range []string{"Location", "Content-Location"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if tc.want == untouched {
				return
			}
			// What was rewritten leads back to the site, and from there to where the API meant.
			back, err := res.Request.URL.Parse(res.Header.Get("Location"))
			if err != nil || !strings.HasPrefix(back.String(), p.url+"/saas/") {
				t.Fatalf("it leads to %v, %v", back, err)
			}
			before := len(a.requests()) + len(content.requests())
			p.wantGet(strings.TrimPrefix(back.String(), p.url), -1)
			if after := len(a.requests()) + len(content.requests()); after != before+1 {
				t.Error("no API saw the next request")
			}
		})
	}
}

func TestRedirectsArePassedOnAsTheyAre(t *testing.T) {
	var location string
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, location, http.StatusFound)
	})
	location = a.URL + "/x"
	for name, site := range map[string]string{
		"unless the route says so":                     "token_proxy demo/one",
		"where the route makes up a path":              "rewrite /asked /x\ntoken_proxy demo/one {\nrewrite_redirects\n}",
		"where the route takes off what is at the end": "uri strip_suffix ed\ntoken_proxy demo/one {\nrewrite_redirects\n}",
	} {
		t.Run(name, func(t *testing.T) {
			p := proxyToSite(t, a.host(), site)
			if res, _ := p.wantGet("/asked", http.StatusFound); res.Header.Get("Location") != location {
				t.Errorf("it leads to %q", res.Header.Get("Location"))
			}
		})
	}
}

func TestRedirectsOfARouteWithoutAPrefix(t *testing.T) {
	var location string
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", location) })
	for next, want := range map[string]string{"/next": "/next", "//evil.example": "", "/": "/"} {
		location = a.URL + next
		p := proxyTo(t, a.host(), "", "rewrite_redirects")
		res, _ := p.wantGet("/asked", http.StatusOK)
		got := res.Header.Get("Location")
		if want == "" {
			want = location
		}
		if u, err := url.Parse(got); err != nil || got != want {
			t.Errorf("%s became %q (%v), %v", location, got, u, err)
		}
	}
}
