package forward

import (
	"net/http"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// dropForeign takes from h what is not the API's to say on our origin, and what nobody knows. CORS is answered by the
// guard: with the API's headers beside it there would be two answers, and browsers refuse both.
func dropForeign(h http.Header, listed *headers.Filter) {
	for name := range h {
		if !listed.Passes(name) {
			delete(h, name)
		}
	}
}

// tameAnswer makes the headers of an answer fit for our origin; browser says whether one gets it.
func tameAnswer(h http.Header, listed *headers.Filter, browser bool) {
	dropForeign(h, listed)
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
