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

func TestDisarmKeepsTheSitesOwnPolicy(t *testing.T) {
	h := http.Header{"Content-Security-Policy": {"default-src 'self'"}, "X-Content-Type-Options": {"off"}}
	disarm(h)
	want := http.Header{"Content-Security-Policy": {"default-src 'self'", "sandbox"}, "X-Content-Type-Options": {"nosniff"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
