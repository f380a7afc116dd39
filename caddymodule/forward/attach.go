package forward

import (
	"maps"
	"net/http"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// keepListed takes from h what does not go upstream. Values are not looked at, so that bytes
// beyond ASCII arrive as they were sent. inject is the header that the token goes into.
func keepListed(h http.Header, listed *headers.Filter, inject string) {
	for name := range h {
		// Names are ASCII, so another spelling has the same length; net/http sends no others.
		if len(name) == len(inject) && strings.EqualFold(name, inject) || !listed.Passes(name) {
			delete(h, name)
		}
	}
	// Our own entry only (RFC 9110 section 7.6.3): the others name hosts on our side.
	if via := h["Via"]; len(via) > 1 {
		h["Via"] = via[len(via)-1:]
	}
	if upgrade := h.Get("Upgrade"); upgrade != "" && !strings.EqualFold(upgrade, "websocket") {
		// h2c, for one, would open a way past everything that looks at requests.
		delete(h, "Upgrade")
		delete(h, "Connection")
	}
}

// withRoom returns a copy of h that has room for one more. The values are shared.
func withRoom(h http.Header) http.Header {
	out := make(http.Header, len(h)+1)
	maps.Copy(out, h)
	return out
}

// droppedParameters are query parameters that are credentials or ask for another method
// than the one that was checked. "key" and "token" are none: too many APIs mean
// something else by them, such as the place in a list.
var droppedParameters = []string{
	"access_token", // RFC 6750 section 2.3
	"bearer_token",
	"oauth_token",      // OAuth 1, and early OAuth 2
	"authorization",    // Dropbox's way around preflights
	"subscription-key", // a caller's key
	"_method",
	"x-http-method-override",
}
