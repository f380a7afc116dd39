package forward

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
)

// refusal is why the transport does not forward a request, or does not pass on its answer.
type refusal struct {
	problem *problem.Problem
	cause   error
}

func (f *refusal) Error() string { return f.cause.Error() }

func (f *refusal) Unwrap() error { return f.cause }

// refuseMethod is for a request that has, perhaps by a rewrite, a method other than those allowed.
func refuseMethod(allowed string) *refusal {
	return &refusal{problem: problem.MethodNotAllowed(allowed), cause: errors.New("the method is none that the route forwards")}
}

func refuseHost(cause error) *refusal {
	return &refusal{cause: cause, problem: &problem.Problem{
		Code: "refused_host", Status: http.StatusBadGateway, Title: "Destination refused",
		Detail: "The request would have gone to a place that the provider's hosts do not include. An operator has to act; the server's log says more.",
	}}
}

// refuseRewrite is for a request that the route has made another one of than the caller's key was checked for.
func refuseRewrite() *refusal {
	return &refusal{
		cause:   errors.New("the route rewrites the method or the path, and the caller's key is for certain ones only"),
		problem: problem.CallerNotAllowed("The key is for certain methods or paths only, and this route changes them."),
	}
}

func refuseAddress(cause error) *refusal {
	return &refusal{cause: cause, problem: &problem.Problem{
		Code: "refused_address", Status: http.StatusBadGateway, Title: "Address refused",
		Detail: "The host of the API has an address that is not public. An operator has to act; the server's log says more.",
	}}
}

func refuseEcho() *refusal {
	return &refusal{cause: errors.New("the API's answer repeats the token"), problem: &problem.Problem{
		Code: "token_echoed", Status: http.StatusBadGateway, Title: "Answer withheld",
		Detail: "The API's answer has the access token in it.",
	}}
}

func refuseUnsearchable() *refusal {
	return &refusal{cause: errors.New("the API's answer is compressed, or part of a body, and cannot be searched for the token (scrub_body)"), problem: &problem.Problem{
		Code: "unsearchable_answer", Status: http.StatusBadGateway, Title: "Answer withheld",
		Detail: "The route blanks tokens out of answers, and the API's answer is compressed, or part of a body, although neither was asked for.",
	}}
}

// response returns the refusal as if it came from upstream.
func (f *refusal) response(r *http.Request) *http.Response {
	w := &responseBuffer{header: make(http.Header)}
	f.problem.Write(w)
	return &http.Response{
		Status:     http.StatusText(w.status),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Request:       r,
	}
}

// responseBuffer keeps what is written to it.
type responseBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *responseBuffer) Header() http.Header         { return w.header }
func (w *responseBuffer) Write(p []byte) (int, error) { return w.body.Write(p) }
func (w *responseBuffer) WriteHeader(status int)      { w.status = status }
