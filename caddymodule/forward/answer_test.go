package forward

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
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

func TestEchoes(t *testing.T) {
	const token = "sl.u/AbC+dEf==_0123-xyz~" // has what needs escaping
	for name, value := range map[string]string{
		"as it is":                      token,
		"with its scheme":               "Bearer " + token,
		"in a URL's query":              "https://evil.example/?t=" + url.QueryEscape(token) + "&x",
		"in a URL's path":               "https://evil.example/" + url.PathEscape(token),
		"in base64":                     base64.StdEncoding.EncodeToString([]byte(token)),
		"in base64url without padding":  base64.RawURLEncoding.EncodeToString([]byte(token)),
		"in base64, one byte behind":    base64.StdEncoding.EncodeToString([]byte("x" + token + "y")),
		"in base64, two bytes behind":   base64.StdEncoding.EncodeToString([]byte("xx" + token)),
		"in base64, with its scheme":    base64.StdEncoding.EncodeToString([]byte("Bearer " + token + "\r\n")),
		"in base64url, with its scheme": base64.URLEncoding.EncodeToString([]byte("Authorization: Bearer " + token)),
	} {
		t.Run(name, func(t *testing.T) {
			if !echoes(http.Header{"A": {"b"}, "X-Echo": {"first", value}}, token) {
				t.Errorf("%q was not seen", value)
			}
		})
	}
	for name, h := range map[string]http.Header{
		"no headers":      {},
		"other headers":   {"X": {strings.Repeat("long ", 100)}},
		"half of a token": {"X": {token[:len(token)/2] + strings.Repeat(" ", 40)}},
	} {
		if echoes(h, token) {
			t.Errorf("%s: taken for an echo", name)
		}
	}
	if echoes(http.Header{"X": {"abcabc"}}, "abc") {
		t.Error("a token of a few bytes stands everywhere by chance")
	}
}
