package headers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

func TestWhatCannotBeListed(t *testing.T) {
	for _, tc := range []struct{ name, entry, request, response string }{
		{"nothing", "", "no header name", "no header name"},
		{"a space", "X Foo", "no header name", "no header name"},
		{"a colon", "X-Foo:", "no header name", "no header name"},
		{"a line break", "X-Foo\r\n", "no header name", "no header name"},
		{"a letter beyond ASCII", "X-Fooé", "no header name", "no header name"},
		{"all headers", "*", "X-Acme-*", "X-Acme-*"},
		{"a star before the end", "X-*-Foo", "no header name", "no header name"},
		{"two stars", "X-**", "no header name", "no header name"},
		{"half a word", "X-Ac*", "ends with -*", "ends with -*"},
		{"a beginning with an underscore", "X_Acme-*", "ends with -*", "ends with -*"},
		{"credentials", "authorization", "never passed on", ""},
		{"a proxy's credentials", "Proxy-Authorization", "never passed on", ""},
		{"the length", "Content-Length", "belongs to one connection", "belongs to one connection"},
		{"the framing", "transfer-encoding", "belongs to one connection", "belongs to one connection"},
		{"trailers", "Trailer", "belongs to one connection", "belongs to one connection"},
		{"the host", "Host", "belongs to one connection", "belongs to one connection"},
		{"an upgrade to h2c", "HTTP2-Settings", "belongs to one connection", "belongs to one connection"},
		{"the family of who was on the way", "X-Forwarded-*", "write out", "write out"},
		{"a family of credentials", "X-Auth-*", "write out", ""},
		{"what browsers say about a page", "Sec-*", "write out", "write out"},
		{"CORS", "Access-Control-Allow-Origin", "", "use allow origin"},
		{"all of CORS", "Access-Control-*", "write out", "use allow origin"},
		{"orders to a server before us", "X-Accel-*", "", "write out"},
		{"what is set for pages here", "X-Content-Type-Options", "", "is set here"},
		{"a name", "X-Acme-Version", "", ""},
		{"a name with an underscore", "X_Acme", "", ""},
		{"a beginning", "X-Acme-*", "", ""},
		{"a short beginning", "X-*", "", ""},
		{"cookies", "Cookie", "", ""},
		{"cookies of the API", "Set-Cookie", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantHint(t, "request", headers.CheckRequest(tc.entry), tc.request)
			wantHint(t, "response", headers.CheckResponse(tc.entry), tc.response)
		})
	}
}

// wantHint wants an error with a hint, or none.
func wantHint(t *testing.T, direction string, err error, hint string) {
	t.Helper()
	if (err == nil) != (hint == "") || err != nil && !strings.Contains(err.Error(), hint) {
		t.Errorf("%s: got %v, want something about %q", direction, err, hint)
	}
}

func TestAllThatIsWrongWithRulesIsTold(t *testing.T) {
	err := headers.Rules{Request: []string{"a b", "Authorization"}, Response: []string{"Ok", "Access-Control-Foo"}, Privileged: []string{"x-*", "Fine"}}.Validate()
	if err == nil {
		t.Fatal("they are valid")
	}
	for _, part := range []string{`"a b"`, "Authorization", "Access-Control-Foo", `"x-*"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not tell %s", err, part)
		}
	}
	if err := (headers.Rules{Request: []string{"Foo", "X-Acme-*"}, Response: []string{"Set-Cookie"}, Privileged: []string{"X-Acme-Root"}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestRulesAddUp(t *testing.T) {
	a := headers.Rules{Request: []string{"A"}, Response: []string{"B"}, Privileged: []string{"C"}}
	sum := a.With(headers.Rules{Request: []string{"D"}, Response: []string{"E"}, Privileged: []string{"F"}})
	if diff := cmp.Diff(headers.Rules{Request: []string{"A", "D"}, Response: []string{"B", "E"}, Privileged: []string{"C", "F"}}, sum); diff != "" {
		t.Error(diff)
	}
	sum.Request[0] = "X"
	if a.Request[0] != "A" {
		t.Error("the sum shares its list with a part")
	}
}

func FuzzOnlyListedHeadersPass(f *testing.F) {
	f.Add("X-Acme-*", "X-Acme-Version")
	f.Add("x-*", "X-Forwarded-For")
	f.Add("X_Forwarded_For", "x_forwarded_for")
	f.Add("Acme-*", "acme-API_key")
	f.Add("Authorization", "authorization")
	standard := headers.Rules{}.RequestFilter()
	f.Fuzz(func(t *testing.T, entry, name string) {
		if headers.CheckRequest(entry) != nil {
			return
		}
		filter := headers.Rules{Request: []string{entry}}.RequestFilter()
		if !filter.Passes(name) || standard.Passes(name) {
			return
		}
		beginning, isBeginning := strings.CutSuffix(strings.ToLower(entry), "*")
		lower := strings.ToLower(name)
		switch {
		case lower == "authorization" || lower == "proxy-authorization":
			t.Errorf("%q lets %q pass", entry, name)
		case !isBeginning && lower != beginning:
			t.Errorf("the name %q lets %q pass", entry, name)
		case isBeginning && (!strings.HasPrefix(lower, beginning) || strings.ContainsAny(lower, "_. ")):
			t.Errorf("the beginning %q lets %q pass", entry, name)
		}
		for _, word := range []string{"token", "cookie", "forward", "api-key", "override", "authorization", "sudo"} {
			if isBeginning && strings.Contains(lower, word) {
				t.Errorf("the beginning %q lets %q pass", entry, name)
			}
		}
	})
}
