package forward

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
)

// withInterim returns a context in which the interim answers (1xx) to e are tamed
// as the final one is. reverse_proxy sends them on itself, from a hook on
// the request; hooks that come later run before it, on the same map.
func withInterim(ctx context.Context, e *errand) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: e.gotInterim})
}

func (e *errand) gotInterim(_ int, header textproto.MIMEHeader) error {
	h := http.Header(header)
	if e.echoedIn(h) {
		clear(h) // to fail here would stop nothing: only the first hook's error counts
		return nil
	}
	dropForeign(h)
	return nil
}
