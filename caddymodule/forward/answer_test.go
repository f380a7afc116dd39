package forward

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTameAnswer(t *testing.T) {
	h := http.Header{
		"Content-Type":                 {"application/json"},
		"Dropbox-Api-Result":           {"{}"},
		"Location":                     {"https://cdn.example.com/x"},
		"Retry-After":                  {"7"},
		"Www-Authenticate":             {"Bearer"},
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Anything-New":  {"*"},
		"Set-Cookie":                   {"a=1", "b=2"},
		"Strict-Transport-Security":    {"max-age=1"},
		"Clear-Site-Data":              {"*"},
		"Alt-Svc":                      {"h3"},
		"Public-Key-Pins":              {"x"},
		"Service-Worker-Allowed":       {"/"},
		"Refresh":                      {"0;url=https://evil.example"},
		"X-Content-Type-Options":       {"off"},
		"Access-Control-Allow-Headers": {"x"},
		"Cdn-Cache-Control":            {"max-age=60"},
		"Surrogate-Control":            {"max-age=60"},
		"Reporting-Endpoints":          {"x=\"https://evil.example\""},
		"X-Accel-Redirect":             {"/etc/passwd"},
		"X-Accel-Buffering":            {"no"},
		"X-Sendfile":                   {"/etc/passwd"},
	}
	tameAnswer(h, ofGeneric(nil, nil).response, true)
	want := http.Header{
		"Cache-Control":      {"private"},
		"Content-Type":       {"application/json"},
		"Dropbox-Api-Result": {"{}"},
		"Location":           {"https://cdn.example.com/x"},
		"Retry-After":        {"7"},
		"Www-Authenticate":   {"Bearer"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestTameAnswerKeepsWhatTheRouteLists(t *testing.T) {
	h := http.Header{"Set-Cookie": {"a=1", "b=2"}, "X-Acme-Id": {"7"}, "X-Acme-Cookie": {"c=3"}, "Access-Control-Allow-Origin": {"*"}, "X-Content-Type-Options": {"off"}}
	tameAnswer(h, ofGeneric(nil, []string{"Set-Cookie", "X-Acme-*", "Access-Control-*", "X-*"}).response, false)
	want := http.Header{"Cache-Control": {"private"}, "Set-Cookie": {"a=1", "b=2"}, "X-Acme-Id": {"7"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestTameAnswerLocksDocumentsUp(t *testing.T) {
	own := "default-src 'self'"
	for _, tc := range []struct {
		types []string
		want  []string
	}{
		{nil, []string{own, "sandbox"}},
		{[]string{""}, []string{own, "sandbox"}},
		{[]string{"text/html"}, []string{own, "sandbox"}},
		{[]string{"image/svg+xml"}, []string{own, "sandbox"}},
		{[]string{"text/xsl"}, []string{own, "sandbox"}},
		{[]string{"text/plain"}, []string{own, "sandbox"}},
		{[]string{"multipart/x-mixed-replace; boundary=x"}, []string{own, "sandbox"}},
		{[]string{"application/json", "text/html"}, []string{own, "sandbox"}},
		{[]string{"application/json, text/html"}, []string{own, "sandbox"}},
		{[]string{"application/json;x=,text/html"}, []string{own, "sandbox"}},
		{[]string{"application/json-seq"}, []string{own, "sandbox"}},
		{[]string{"application/json"}, []string{own}},
		{[]string{"Application/JSON;charset=utf-8"}, []string{own}},
	} {
		h := http.Header{"Content-Security-Policy": {own}, "Content-Type": tc.types}
		tameAnswer(h, ofGeneric(nil, nil).response, true)
		if diff := cmp.Diff(tc.want, h["Content-Security-Policy"]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.types, diff)
		}
	}
}
