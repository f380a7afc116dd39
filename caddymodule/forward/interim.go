package forward

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
)

// maxInterims is how many interim answers are sent on to a client for a request. net/http itself has no bound
// for those that it hands over, and a flood of them would go on for as long as an API likes.
const maxInterims = 16

var errInterims = errors.New("too many interim answers")

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
		if e.interims++; e.interims > maxInterims {
			return errInterims
		}
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
