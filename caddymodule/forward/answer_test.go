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
	tameAnswer(h)
	want := http.Header{
		"Cache-Control":           {"private"},
		"Content-Type":            {"application/json"},
		"Content-Security-Policy": {"sandbox"},
		"Dropbox-Api-Result":      {"{}"},
		"Location":                {"https://cdn.example.com/x"},
		"Retry-After":             {"7"},
		"Www-Authenticate":        {"Bearer"},
		"X-Content-Type-Options":  {"nosniff"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestTameAnswerLocksDocumentsUp(t *testing.T) {
	for _, types := range [][]string{
		nil, {""}, {"text/html"}, {"image/svg+xml"}, {"text/xsl"}, {"multipart/x-mixed-replace; boundary=x"},
		{"multipart/related"}, {"application/json", "text/html"}, {"application/json"},
	} {
		h := http.Header{"Content-Security-Policy": {"default-src 'self'"}, "Content-Type": types}
		tameAnswer(h)
		if diff := cmp.Diff([]string{"default-src 'self'", "sandbox"}, h["Content-Security-Policy"]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", types, diff)
		}
	}
}
