package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// problemTypes is where docs/problems.md is read; a problem's type is
// this and its code.
const problemTypes = "https://github.com/caddy-tokenstore/caddy-tokenstore/blob/main/docs/problems.md#"

// problem is why a request is refused, as the client is told (RFC 9457). Its texts are fixed:
// nothing that a server said or that a caller sent gets into them.
type problem struct {
	code   string // a fixed word, also fit for a metric label
	status int
	title  string
	detail string

	retryAfter time.Duration
	allow      string // the methods, for 405
	connectURL string // where a person can give their consent
	reason     string // why the consent is needed
}

// write answers a request with p. CORS headers must have been set before.
func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	noStore(h)
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	body, err := json.Marshal(p.document())
	if err != nil { // strings and an int: it cannot fail
		body = nil
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

// problemDocument is the body: RFC 9457 section 3, and our own members.
type problemDocument struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail,omitempty"`
	Reason     string `json:"reason,omitempty"`
	ConnectURL string `json:"connect_url,omitempty"`
}

func (p *problem) document() problemDocument {
	return problemDocument{
		Type: problemTypes + p.code, Title: p.title, Status: p.status, Detail: p.detail,
		Reason: p.reason, ConnectURL: p.connectURL,
	}
}

func badRequest(detail string) *problem {
	return &problem{code: "bad_request", status: http.StatusBadRequest, title: "Bad request", detail: detail}
}

func originNotAllowed() *problem {
	return &problem{
		code: "origin_not_allowed", status: http.StatusForbidden, title: "Origin not allowed",
		detail: "Web pages of this origin, and addresses typed into a browser, may not use this route. A page needs its origin listed in allow origin, also if it is a page of this very site.",
	}
}

func callerNotAllowed(detail string) *problem {
	return &problem{code: "caller_not_allowed", status: http.StatusForbidden, title: "Caller not allowed", detail: detail}
}

func wrongHost() *problem {
	return &problem{
		code: "wrong_host", status: http.StatusMisdirectedRequest, title: "Wrong host",
		detail: "The Host of the request is none of this site. Use a host that stands in the site's address, or localhost, 127.0.0.1 or [::1].",
	}
}

func unknownConnection() *problem {
	return &problem{code: "unknown_connection", status: http.StatusNotFound, title: "Unknown connection"}
}

func notFound() *problem {
	return &problem{code: "not_found", status: http.StatusNotFound, title: "Not found"}
}

func methodNotAllowed(allow string) *problem {
	return &problem{code: "method_not_allowed", status: http.StatusMethodNotAllowed, title: "Method not allowed", allow: allow}
}

func consentNeeded(reason tokenstore.Reason) *problem {
	return &problem{
		code: "consent_needed", status: http.StatusConflict, title: "Consent needed", reason: string(reason),
		detail: "A person has to connect the account at the provider before there is a token.",
	}
}

func unavailable(retryAfter time.Duration) *problem {
	return &problem{
		code: "unavailable", status: http.StatusServiceUnavailable, title: "Token unavailable for now",
		detail:     "There is no valid token at the moment. It is being worked on; nobody needs to do anything.",
		retryAfter: max(retryAfter, time.Second),
	}
}

func storeUnavailable() *problem {
	return &problem{
		code: "store_unavailable", status: http.StatusServiceUnavailable, title: "Token store unavailable",
		detail: "The token store cannot be read at the moment. The server's log says why.", retryAfter: time.Second,
	}
}

// problemOf says what a client is told about an error of the store.
func problemOf(err error) *problem {
	var (
		consent *tokenstore.ConsentNeededError
		away    *tokenstore.UnavailableError
		config  *tokenstore.MisconfiguredError
	)
	switch {
	case errors.Is(err, tokenstore.ErrInvalidID), errors.Is(err, tokenstore.ErrNotFound):
		return unknownConnection()
	case errors.As(err, &consent):
		return consentNeeded(consent.Reason)
	case errors.As(err, &config):
		return &problem{
			code: "provider_refuses_client", status: http.StatusBadGateway, title: "Provider refuses this client",
			detail:     "The provider's authorization server does not accept the client as it is configured here. An operator has to act.",
			retryAfter: config.RetryAfter,
		}
	case errors.As(err, &away):
		return unavailable(away.RetryAfter)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable(time.Second)
	}
	return storeUnavailable()
}

// passable reports whether on_error pass lets a request go without a token: there is
// none, and nothing is wrong with the request or with our own storage.
func (p *problem) passable() bool {
	switch p.code {
	case "consent_needed", "unavailable", "provider_refuses_client":
		return true
	}
	return false
}
