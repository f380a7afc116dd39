package oauth_test

import (
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"https://as.example/token", "https://as.example:8443/t?tenant=x", "HTTPS://AS.example",
		"http://localhost:8080/token", "http://LOCALHOST", "http://127.0.0.1/", "http://127.9.9.9:1/", "http://[::1]:9/token",
	} {
		if err := oauth.CheckURL(good); err != nil {
			t.Errorf("%s is refused: %v", good, err)
		}
	}
	for bad, remedy := range map[string]string{
		"":                                    "empty",
		"/token":                              "not absolute",
		"as.example/token":                    "not absolute",
		"https:as.example":                    "not absolute",
		"https:///token":                      "not absolute",
		"https://:443/token":                  "not absolute",
		"http://as.example/token":             "use https",
		"http://127.0.0.1.evil.example/":      "use https",
		"http://localhost.evil.example/":      "use https",
		"http://localhost./":                  "use https",
		"http://[::ffff:127.0.0.1]/":          "use https",
		"http://[::1%25lo]/":                  "use https",
		"http://0.0.0.0/":                     "use https",
		"http://127.1/":                       "use https",
		"ftp://as.example/":                   "another scheme",
		"https://canary:x@as.example/":        "user information",
		"https://as.example/#canary":          "fragment",
		"https://as.example/#":                "fragment",
		"https://as.example/canary\x00":       "cannot be parsed",
		"https://as.example:canary/":          "cannot be parsed",
		"https://as.example\r\nX: y/":         "cannot be parsed",
		"javascript:alert(1)//localhost/tok":  "not absolute",
		"unix:///run/as.sock":                 "not absolute",
		"http://127.0.0.1@as.example/canary/": "user information",
	} {
		err := oauth.CheckURL(bad)
		if err == nil {
			t.Errorf("%q passes", bad)
		} else if !strings.Contains(err.Error(), remedy) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v, want something about %q", bad, err, remedy)
		}
	}
}
