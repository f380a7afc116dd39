package forward

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
)

// tameInterim sees to it that the interim answers (1xx) to e are tamed as the final one
// is. reverse_proxy sends them on itself, from a hook in ctx. It makes a hook for each
// attempt, so this one may be changed in its place, which costs less than to put
// another one over it.
func tameInterim(ctx context.Context, e *errand) {
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil || trace.Got1xxResponse == nil {
		return // nobody sends them on
	}
	sendOn := trace.Got1xxResponse
	trace.Got1xxResponse = func(code int, header textproto.MIMEHeader) error {
		e.tame(http.Header(header))
		return sendOn(code, header)
	}
}

// tame makes the headers of an interim answer fit to be sent on.
func (e *errand) tame(h http.Header) {
	if e.echoedIn(h) {
		clear(h)
		return
	}
	dropForeign(h, e.passing.response)
}
