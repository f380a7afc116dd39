package oauth

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

// Error is the only type of error that a conversation returns. Its text never
// holds a secret and never a server's own words beyond a well-formed error
// code: bodies of authorization servers have been seen to echo both the client
// secret and the refresh token.
type Error struct {
	// Op is what was tried: "exchange", "refresh", "client_credentials" or
	// "revoke".
	Op string
	// Class is what the failure means.
	Class Class
	// Reason is a short fixed word for logs and metric labels, such as
	// "timeout", "refused", "tls", "redirect", "too_large", "malformed",
	// "status", "invalid_grant" or "invalid_client".
	Reason string
	// Status is the HTTP status, 0 if there was none.
	Status int
	// Code is the error code of the server (RFC 6749 section 5.2), if it sent a
	// well-formed one.
	Code string
	// RetryAfter is how long the server asked to wait, clamped to [0, 1 h].
	RetryAfter time.Duration
	// InDoubt reports whether the server may have acted upon the request: it
	// was written, and the answer does not exclude it. A refresh token that was
	// used in such a request may have been rotated.
	InDoubt bool
	// Delivered holds what could be read of a broken answer. It may have a
	// refresh token and nothing else. It is nil if nothing of use was in it.
	Delivered *Answer
	// Refused says why nothing was sent, if that is because of the address of the endpoint's host; the reason is
	// "refused_address" then. Otherwise it is nil.
	Refused *dial.RefusedError
}

// Error tells the operation, the reason and the status, and of a refused address also the host.
func (e *Error) Error() string {
	s := fmt.Sprintf("oauth %s: %s (%s", e.Op, e.Reason, e.Class)
	if e.Status != 0 {
		s += fmt.Sprintf(", status %d", e.Status)
	}
	if e.Code != "" && e.Code != e.Reason {
		s += ", error " + e.Code
	}
	s += ")"
	if e.Refused != nil {
		s += ": " + e.Refused.Error()
	}
	return s
}

// ServerDown reports whether the failure speaks against the server itself, whoever had asked: it could not be
// reached, gave no whole answer, or answered with a status of 500 or more.
func (e *Error) ServerDown() bool {
	switch {
	case e.Class == Unknown || e.Status >= http.StatusInternalServerError:
		return true
	case e.Status != 0 || e.Class != Transient:
		return false
	}
	return e.Reason != reasonNoToken // nothing was sent
}
