package forward

import (
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
// another one over it. Clients by HTTP/2 get none.
func tameInterim(r *http.Request, e *errand) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace == nil || trace.Got1xxResponse == nil {
		return // nobody sends them on
	}
	if r.ProtoMajor == 2 {
		// If its client leaves, Go's server is still at writing the headers when everybody else may change them
		// again, and two at one map can end the process.
		trace.Got1xxResponse = nil
		return
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
