package forward

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
)

// droppedRequestHeaders never reach an API, unless pass_header lists them.
var droppedRequestHeaders = map[string]bool{
	// The client's credentials are for us. The API gets the connection's, alone.
	"Authorization":             true,
	"Proxy-Authorization":       true,
	"Proxy-Authenticate":        true,
	"Cookie":                    true,
	"Cookie2":                   true,
	"Ocp-Apim-Subscription-Key": true,
	"X-Amz-Security-Token":      true,
	"X-Api-Key":                 true,
	"X-Csrf-Token":              true, // goes with a cookie, which is dropped
	"X-Xsrf-Token":              true,

	// Who the client is, as a login proxy in front of us says; an API that believes
	// such headers would take anybody's word.
	"Remote-User":    true,
	"X-Remote-User":  true,
	"X-Webauth-User": true,

	// What tells about the page. What tells about the network and the proxies on our
	// side, access.IsForwardingHeader knows.
	"Origin":  true,
	"Referer": true,

	// What makes a server act on another method, host or path than the ones that
	// were checked.
	"X-Http-Method":          true,
	"X-Http-Method-Override": true,
	"X-Method-Override":      true,
	"X-Original-Url":         true,
	"X-Original-Uri":         true,
	"X-Original-Host":        true,
	"X-Rewrite-Url":          true,
	"X-Host":                 true,
	"Base-Url-Override":      true,
	"Http2-Settings":         true,

	// What turns a token into more than the person's own: a team administrator
	// acting for a member, somebody else's quota.
	"As-User":                  true, // Box
	"Dropbox-Api-Path-Root":    true,
	"Dropbox-Api-Select-User":  true,
	"Dropbox-Api-Select-Admin": true,
	"X-Goog-User-Project":      true,
}

// neverPassed are credentials, which no setting lets through.
var neverPassed = map[string]bool{"Authorization": true, "Proxy-Authorization": true}

// checkPassHeaders refuses the names of headers that must not be passed on.
func checkPassHeaders(names []string) error {
	for _, name := range names {
		if neverPassed[http.CanonicalHeaderKey(name)] {
			return fmt.Errorf("pass_header %s: a client's credentials are never passed on", name)
		}
	}
	return nil
}

// headerFilter decides which of a client's headers an API gets to see.
type headerFilter struct {
	passed map[string]bool // canonical names
}

func newHeaderFilter(pass []string) headerFilter {
	f := headerFilter{passed: make(map[string]bool, len(pass))}
	for _, name := range pass {
		f.passed[http.CanonicalHeaderKey(name)] = true
	}
	return f
}

// apply takes from h what does not go upstream. Values are not looked at, so that bytes
// beyond ASCII arrive as they were sent. inject is the header that the token goes into.
func (f headerFilter) apply(h http.Header, inject string) {
	for name := range h {
		if canonical := http.CanonicalHeaderKey(name); canonical == inject || f.drops(canonical) {
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

func (f headerFilter) drops(name string) bool {
	switch name {
	case "Accept", "Accept-Encoding", "Accept-Language", "Content-Length", "Content-Type", "User-Agent":
		return false // nearly every request has them: spare them the look-ups
	case "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto": // from reverse_proxy itself
		return !f.passed[name]
	}
	if len(f.passed) > 0 && f.passed[name] {
		return false
	}
	if name == "" || droppedRequestHeaders[name] {
		return true
	}
	switch name[0] {
	case 'X':
		if strings.HasPrefix(name, "X-Auth-Request-") {
			return true
		}
	case 'S':
		// But not the handshake of WebSockets.
		return strings.HasPrefix(name, "Sec-") && !strings.HasPrefix(name, "Sec-Websocket-")
	case 'A':
		return strings.HasPrefix(name, "Access-Control-")
	}
	return name != "Via" && access.IsForwardingHeader(name) // of Via, our own entry goes on
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
