package forward

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

func TestEchoes(t *testing.T) {
	const token = "sl.u/AbC+dEf==_0123-xyz~" // has what needs escaping
	jsonEscaped := strings.NewReplacer("/", `\/`, "+", `\u002B`, "=", `\u003d`).Replace(token)
	var hex strings.Builder
	for _, c := range []byte(token) {
		hex.WriteString("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
	}
	for name, value := range map[string]string{
		"as it is":                      token,
		"with its scheme":               "Bearer " + token,
		"in a URL's query":              "https://evil.example/?t=" + url.QueryEscape(token) + "&x",
		"in a URL's path":               "https://evil.example/" + url.PathEscape(token),
		"in a URL, with small letters":  "https://evil.example/?t=" + strings.NewReplacer("%2F", "%2f", "%2B", "%2b", "%3D", "%3d").Replace(url.QueryEscape(token)),
		"in a URL, each byte escaped":   hex.String(),
		"in JSON":                       `{"t":"` + jsonEscaped + `"}`,
		"in JSON, within a URL":         `{"t":"?t=` + strings.ReplaceAll(url.PathEscape(token), "=", `\u003D`) + `"}`,
		"behind escapes that are none":  `%zz\q\u00zz%` + `\/` + token[:5] + `%41` + token[6:],
		"in base64":                     base64.StdEncoding.EncodeToString([]byte(token)),
		"in base64url without padding":  base64.RawURLEncoding.EncodeToString([]byte(token)),
		"in base64, within a URL":       url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(token))),
		"in base64, one byte behind":    base64.StdEncoding.EncodeToString([]byte("x" + token + "y")),
		"in base64, two bytes behind":   base64.StdEncoding.EncodeToString([]byte("xx" + token)),
		"in base64, with its scheme":    base64.StdEncoding.EncodeToString([]byte("Bearer " + token + "\r\n")),
		"as the password of git":        "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token)),
		"as the password of a user":     "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+token)),
		"as the password of no user":    "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+token)),
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
		"other escapes":   {"X": {strings.Repeat(`%41\/\u0041`, 10)}},
	} {
		if echoes(h, token) {
			t.Errorf("%s: taken for an echo", name)
		}
	}
	if echoes(http.Header{"X": {"abcabc"}}, "abc") {
		t.Error("a token of a few bytes stands everywhere by chance")
	}
}

func TestEchoesInNames(t *testing.T) {
	const token = "sl.u-AbCdEf_0123-xyz"
	for _, name := range []string{token, "X-Echo-" + token} {
		if name = textproto.CanonicalMIMEHeaderKey(name); !echoes(http.Header{name: {"x"}}, token) {
			t.Errorf("%s was not seen", name)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add("sl.u/AbC+dEf==", `%zz\q`)
	f.Fuzz(func(t *testing.T, text, around string) {
		if got := unescape(url.QueryEscape(strings.ReplaceAll(text, " ", ""))); len(text) > 0 && !strings.ContainsAny(text, ` %\`) && got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got := unescape(around); len(got) > len(around) {
			t.Errorf("%q became %q", around, got)
		}
	})
}
