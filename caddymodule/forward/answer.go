package forward

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// droppedResponseHeaders would let an API speak for our origin: set its cookies,
// pin its keys, clear its storage, take over its service workers. CORS is answered
// by the guard; with the API's headers beside it there would be two answers, and browsers
// refuse both.
var droppedResponseHeaders = map[string]bool{
	"Alt-Svc":                     true,
	"Cdn-Cache-Control":           true, // and for caches near us
	"Clear-Site-Data":             true,
	"Nel":                         true,
	"Public-Key-Pins":             true,
	"Public-Key-Pins-Report-Only": true,
	"Refresh":                     true,
	"Report-To":                   true,
	"Reporting-Endpoints":         true,
	"Service-Worker-Allowed":      true,
	"Set-Cookie":                  true,
	"Set-Cookie2":                 true,
	"Strict-Transport-Security":   true,
	"Surrogate-Control":           true,
	"X-Sendfile":                  true, // as X-Accel-Redirect: a server before us would read a file
}

// dropForeign takes from h what is not the API's to say on our origin.
func dropForeign(h http.Header) {
	for name := range h {
		if droppedResponseHeaders[name] || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Accel-") {
			delete(h, name)
		}
	}
}

// tameAnswer makes the headers of an answer fit for our origin.
func tameAnswer(h http.Header) {
	dropForeign(h)
	keepPrivate(h)
	h["X-Content-Type-Options"] = []string{"nosniff"}
	// Added, not set: a browser obeys each of several policies. Without it, a script in the
	// API's page would run with our origin's rights, and could ask for tokens. It is there
	// whatever the type, since browsers know more types of pages than we do, and
	// only pages heed it.
	h.Add("Content-Security-Policy", "sandbox")
}

// echoes reports whether the token stands in a header, plainly or in one of the
// encodings that servers use when they repeat what they were sent.
func echoes(h http.Header, token string) bool {
	const shortest = 8 // a shorter one would stand in other texts by chance
	if len(token) < shortest {
		return false
	}
	var encoded []string // made only if there is a value long enough to hold the token
	for _, values := range h {
		for _, value := range values {
			if len(value) < len(token) {
				continue
			}
			if encoded == nil {
				encoded = encodings(token)
			}
			for _, e := range encoded {
				if strings.Contains(value, e) {
					return true
				}
			}
		}
	}
	return false
}

// encodings returns the token as it is, escaped for a query and for a path, and in base64
// at each of the three places that it can have within a longer text.
func encodings(token string) []string {
	all := []string{token}
	for _, escaped := range []string{url.QueryEscape(token), url.PathEscape(token)} {
		if escaped != token {
			all = append(all, escaped)
		}
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + token))
			// The digits at both ends also depend on the neighbours.
			start := (before*8 + 5) / 6
			end := (before + len(token)) * 8 / 6
			if start < end {
				all = append(all, text[start:end])
			}
		}
	}
	return all
}
