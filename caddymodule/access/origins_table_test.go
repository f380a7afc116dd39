package access_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// crossOrigin is a kind of request that a page of another origin can make.
type crossOrigin struct {
	kind, method string
	lines        []string
	body         string
}

// crossOrigins are a request that no preflight is asked for, the preflight, and what comes behind one, or
// from a client that sends all it has.
func crossOrigins(preflightFor string) []crossOrigin {
	return []crossOrigin{
		{"simple", "POST", []string{"Content-Type: text/plain; charset=dropbox-cors-hack", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, "null"},
		{"preflight", "OPTIONS", []string{
			"Access-Control-Request-Method: " + preflightFor, "Access-Control-Request-Headers: authorization,content-type", "Access-Control-Request-Private-Network: true", "Sec-Fetch-Mode: cors",
		}, ""},
		{"with credentials", "POST", []string{"Content-Type: application/json", "Cookie: session=mine", "Authorization: Bearer mine", "X-Requested-With: XMLHttpRequest", "Sec-Fetch-Mode: cors"}, "null"},
	}
}

// originTarget is a route of the table, and what CORS says of it.
type originTarget struct {
	path         string
	preflightFor string   // a method
	methods      []string // what the answer to that preflight has for it; CORS needs nothing said for POST
	exposed      string   // without those that every page may read
	vary         []string
}

func originTargets() []originTarget {
	return []originTarget{
		{"/token", "POST", nil, "retry-after", []string{"Origin", "Accept", "Authorization", "Cookie"}},
		{
			"/api/2/users/get_current_account", "PUT", []string{"PUT"},
			"*",
			[]string{"Origin"},
		},
	}
}

// TestOriginsTable sends each Origin with each kind of request to each kind of route of a real Caddy.
func TestOriginsTable(t *testing.T) {
	allow := "allow local\nallow origin " + strings.Join(access.TableOrigins, " ")
	s := testcaddy.NewSite(t, fmt.Sprintf("token_endpoint /token demo/auth {\n%[1]s\n}\nhandle_path /api/* {\n\ttoken_proxy demo/auth {\n%[1]s\n\t}\n}\n", allow))
	s.Connect("auth")
	token := s.Get("/token").Text
	if len(token) < 20 {
		t.Fatalf("the token is %q", token)
	}
	count := make(map[string]int)
	for _, group := range access.OriginGroups() {
		t.Run(group.Why, func(t *testing.T) {
			for _, value := range group.Values {
				count[group.Want]++
				for _, target := range originTargets() {
					for _, x := range crossOrigins(target.preflightFor) {
						o := originCase{site: s, token: token, value: value, target: target, x: x}
						if problem := o.check(t, group.Want); problem != "" {
							t.Errorf("%.80q: %s to %s: %s", value, x.kind, target.path, problem)
						}
					}
				}
			}
		})
	}
	origins := count[access.OriginAllowed] + count[access.OriginRefused] + count[access.OriginMalformed]
	t.Logf("%d origins (%d allowed, %d refused, %d malformed) x 3 kinds of request x 2 kinds of route: %d requests",
		origins, count[access.OriginAllowed], count[access.OriginRefused], count[access.OriginMalformed], origins*6)
	if origins < 150 {
		t.Errorf("only %d origins", origins)
	}
}

// originCase is one request of the table.
type originCase struct {
	site   *testcaddy.Site
	token  string
	value  string
	target originTarget
	x      crossOrigin
}

// check sends the request and returns what is wrong with what comes of it.
func (o originCase) check(t *testing.T, want string) string {
	t.Helper()
	before := o.site.Standin.Requests("")
	lines := append([]string{fmt.Sprintf("Host: localhost:%d", o.site.Port), "Origin: " + o.value}, o.x.lines...)
	a := sendRaw(t, o.site.Port, o.x.method, o.target.path, lines, o.x.body)
	upstream := o.site.Standin.Requests("") - before
	switch want {
	case access.OriginAllowed:
		return o.checkAllowed(a, upstream)
	case access.OriginMalformed:
		return o.checkRefused(a, upstream, http.StatusBadRequest, nil)
	default:
		return o.checkRefused(a, upstream, http.StatusForbidden, []string{"Origin"})
	}
}

func (o originCase) checkRefused(a answer, upstream, status int, vary []string) string {
	switch {
	case upstream != 0:
		return fmt.Sprintf("%d requests went on", upstream)
	case a.status != status:
		return fmt.Sprintf("status %d, not %d", a.status, status)
	case strings.Contains(fmt.Sprint(a), o.token):
		return "the answer has the token"
	case status == http.StatusForbidden && !strings.Contains(a.text, "problems.md#origin_not_allowed"):
		return "it is refused for something else: " + a.text
	}
	return cmp.Diff(http.Header{"Vary": vary}, corsOf(a.header))
}

func (o originCase) checkAllowed(a answer, upstream int) string {
	origin := strings.Trim(o.value, " \t")
	want := http.Header{"Access-Control-Allow-Origin": {origin}, "Vary": o.target.vary}
	switch {
	case o.x.kind == "preflight":
		want["Vary"] = []string{"Origin"}
		want["Access-Control-Allow-Headers"] = []string{"authorization,content-type"}
		want["Access-Control-Max-Age"] = []string{"600"}
		if o.target.methods != nil {
			want["Access-Control-Allow-Methods"] = o.target.methods
		}
		if a.status != http.StatusNoContent || upstream != 0 || a.text != "" {
			return fmt.Sprintf("status %d, %d requests went on, body %q", a.status, upstream, a.text)
		}
		return cmp.Diff(want, corsOf(a.header))
	case o.target.path == "/token":
		if a.status != http.StatusOK || a.text != o.token {
			return fmt.Sprintf("status %d, body %q", a.status, a.text)
		}
	default:
		if a.status != http.StatusOK || upstream != 1 || strings.Contains(fmt.Sprint(a), o.token) {
			return fmt.Sprintf("status %d, %d requests went on, body %q", a.status, upstream, a.text)
		}
	}
	want["Access-Control-Expose-Headers"] = []string{o.target.exposed}
	return cmp.Diff(want, corsOf(a.header))
}

// corsOf returns all that a browser goes by when it decides which page may read an answer, and a cache to whom it may give it.
func corsOf(h http.Header) http.Header {
	out := http.Header{"Vary": h["Vary"]}
	for name, values := range h {
		if strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Cross-Origin-") || name == "Timing-Allow-Origin" {
			out[name] = values
		}
	}
	return out
}
