package forward

import (
	"net/http"
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
	"X-Content-Type-Options":      true, // the guard sets its own
	"X-Sendfile":                  true, // as X-Accel-Redirect: a server before us would read a file
}

// dropForeign takes from h what is not the API's to say on our origin.
func dropForeign(h http.Header) {
	for name := range h {
		switch name {
		case "Content-Length", "Content-Type", "Date", "Etag", "Last-Modified", "Server", "Vary":
			continue // nearly every answer has them: spare them the look-ups
		}
		if droppedResponseHeaders[name] || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Accel-") {
			delete(h, name)
		}
	}
}

// tameAnswer makes the headers of an answer fit for our origin; browser says whether one gets it.
func tameAnswer(h http.Header, browser bool) {
	dropForeign(h)
	keepPrivate(h)
	if browser && !isJSON(h["Content-Type"]) {
		// Added, not set: a browser obeys each of several policies. Without it, a script in the
		// API's page would run with our origin's rights, and could ask for tokens. It is there for
		// nearly all types, since browsers know more types of pages than we do, and only
		// pages heed it.
		h.Add("Content-Security-Policy", "sandbox")
	}
}

// isJSON reports whether an answer is of the one type that is no page for sure, as nosniff keeps a
// browser from guessing another. Most answers of APIs are, and are spared a header.
func isJSON(types []string) bool {
	if len(types) != 1 {
		return false
	}
	media, _, _ := strings.Cut(types[0], ";")
	return strings.EqualFold(media, "application/json") && !strings.Contains(types[0], ",")
}
