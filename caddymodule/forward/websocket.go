package forward

import (
	"errors"
	"net/http"
	"strings"
)

// asksForWebSocket reports whether a request with headers h wants its connection to become a WebSocket.
func asksForWebSocket(h http.Header) bool { return asksFor(h, "websocket") }

// asksFor reports whether a protocol, of whatever version, is among those that a request with headers h wants to go on with.
func asksFor(h http.Header, protocol string) bool {
	for _, line := range h["Upgrade"] {
		for wanted := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(wanted), "/")
			if strings.EqualFold(name, protocol) {
				return true
			}
		}
	}
	return false
}

// errUnaskedSwitch is for an API that goes on with another protocol than HTTP, and was not asked for that one.
// reverse_proxy would answer with an empty 200.
var errUnaskedSwitch = errors.New("switch to a protocol that was not asked for")

// checkSwitch refuses res, the answer to out, if it goes on with another protocol than out asks for.
func checkSwitch(out *http.Request, res *http.Response) error {
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil
	}
	if asked, got := out.Header.Get("Upgrade"), res.Header.Get("Upgrade"); asked != "" && strings.EqualFold(asked, got) {
		return nil
	}
	_ = res.Body.Close() // there is nothing to tell about it
	return newFailure(errUnaskedSwitch)
}
