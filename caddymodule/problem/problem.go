// Package problem is what clients are told when a request is refused: documents of RFC 9457, in fixed words.
// docs/problems.md has the list of them for those who get one.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/caching"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// typeBase is where docs/problems.md is read; a problem's type is
// this and its code.
const typeBase = "https://github.com/caddy-tokenstore/caddy-tokenstore/blob/main/docs/problems.md#"

// Problem is why a request is refused, as the client is told (RFC 9457). Its texts are fixed:
// nothing that a server said or that a caller sent gets into them.
type Problem struct {
	Code   string // a fixed word, the end of the document's type; also fit for a metric label
	Status int    // of HTTP
	Title  string
	Detail string

	RetryAfter   time.Duration // 0 if nobody knows; rounded up to seconds
	Allow        string        // the methods, for 405
	Authenticate string        // the challenge, for 401
	ConnectURL   string        // where a person can give their consent
	Reason       string        // why the consent is needed
}

// Write answers a request with p. CORS headers must have been set before.
func (p *Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	caching.NoStore(h)
	if p.Authenticate != "" {
		h.Set("WWW-Authenticate", p.Authenticate)
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	body, err := json.Marshal(p.document())
	if err != nil { // strings and an int: it cannot fail
		body = nil
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

// document is the body: RFC 9457 section 3, and our own members.
type document struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail,omitempty"`
	Reason     string `json:"reason,omitempty"`
	ConnectURL string `json:"connect_url,omitempty"`
}

func (p *Problem) document() document {
	return document{
		Type: typeBase + p.Code, Title: p.Title, Status: p.Status, Detail: p.Detail,
		Reason: p.Reason, ConnectURL: p.ConnectURL,
	}
}

// BadRequest is for a request that cannot be understood; detail says what is wrong with it.
func BadRequest(detail string) *Problem {
	return &Problem{Code: "bad_request", Status: http.StatusBadRequest, Title: "Bad request", Detail: detail}
}

// OriginNotAllowed is for what a browser sends for a page that may not use the route.
func OriginNotAllowed() *Problem {
	return &Problem{
		Code: "origin_not_allowed", Status: http.StatusForbidden, Title: "Origin not allowed",
		Detail: "Web pages of this origin, and addresses typed into a browser, may not use this route. A page needs its origin listed in allow origin, also if it is a page of this very site.",
	}
}

// CallerNotAllowed is for any other caller that may not use the route; detail says who may.
func CallerNotAllowed(detail string) *Problem {
	return &Problem{Code: "caller_not_allowed", Status: http.StatusForbidden, Title: "Caller not allowed", Detail: detail}
}

// CredentialsNeeded is for a caller that sends neither a key nor a token of an issuer, or one that the route is not for: who
// asks must not learn which.
func CredentialsNeeded() *Problem {
	return &Problem{
		Code: "credentials_needed", Status: http.StatusUnauthorized, Title: "Credentials needed", Authenticate: "Bearer",
		Detail: "The route is for callers who send a key of this server, or a JSON Web Token of an issuer that it trusts, as Authorization: Bearer. One that is unknown, revoked, expired or for other routes counts as none.",
	}
}

// IssuerUnavailable is for a caller with a token whose issuer cannot be asked for its keys.
func IssuerUnavailable() *Problem {
	return &Problem{
		Code: "issuer_unavailable", Status: http.StatusServiceUnavailable, Title: "Issuer unavailable",
		Detail: "The issuer of the token that was sent cannot be reached, so that nobody knows whether the token is good. The server's log says why.", RetryAfter: 5 * time.Second,
	}
}

// TooManyRequests is for a caller that has reached a limit of the route.
func TooManyRequests(wait time.Duration) *Problem {
	return &Problem{
		Code: "too_many_requests", Status: http.StatusTooManyRequests, Title: "Too many requests",
		Detail: "A limit of this route is reached.", RetryAfter: max(wait, time.Second),
	}
}

// WebSocketNotAllowed is for a request to open a WebSocket on a route that is not for them.
func WebSocketNotAllowed() *Problem {
	return &Problem{
		Code: "websocket_not_allowed", Status: http.StatusForbidden, Title: "WebSocket not allowed",
		Detail: "WebSockets cannot be opened on this route. An operator allows them by writing websocket into it.",
	}
}

// WrongHost is for a request whose Host is not the site's.
func WrongHost() *Problem {
	return &Problem{
		Code: "wrong_host", Status: http.StatusMisdirectedRequest, Title: "Wrong host",
		Detail: "The Host of the request is none of this site. Use a host that stands in the site's address, or localhost, 127.0.0.1 or [::1].",
	}
}

// UnknownConnection is for a connection that does not exist, and for a name that none can have: who asks
// must not learn which.
func UnknownConnection() *Problem {
	return &Problem{Code: "unknown_connection", Status: http.StatusNotFound, Title: "Unknown connection"}
}

// NotFound is for a path at which there is nothing.
func NotFound() *Problem {
	return &Problem{Code: "not_found", Status: http.StatusNotFound, Title: "Not found"}
}

// MethodNotAllowed is for a method that a route does not know; allow lists those that it does.
func MethodNotAllowed(allow string) *Problem {
	return &Problem{
		Code: "method_not_allowed", Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Allow: allow,
		Detail: "The method is not one of those that this route takes. The header Allow lists them.",
	}
}

// ConsentNeeded is for a connection without a usable grant. Set ConnectURL if it is known.
func ConsentNeeded(reason tokenstore.Reason) *Problem {
	return &Problem{
		Code: "consent_needed", Status: http.StatusConflict, Title: "Consent needed", Reason: string(reason),
		Detail: "A person has to connect the account at the provider before there is a token.",
	}
}

func unavailable(retryAfter time.Duration) *Problem {
	return &Problem{
		Code: "unavailable", Status: http.StatusServiceUnavailable, Title: "Token unavailable for now",
		Detail:     "There is no valid token at the moment. It is being worked on; nobody needs to do anything.",
		RetryAfter: max(retryAfter, time.Second),
	}
}

// StoreUnavailable is for a store that cannot be used, and for errors of which nobody else needs to know.
func StoreUnavailable() *Problem {
	return &Problem{
		Code: "store_unavailable", Status: http.StatusServiceUnavailable, Title: "Token store unavailable",
		Detail: "The token store cannot be read at the moment. The server's log says why.", RetryAfter: time.Second,
	}
}

// Of returns what a client is told about an error of the store. Nothing of the error's text gets into it.
func Of(err error) *Problem {
	var (
		consent *tokenstore.ConsentNeededError
		away    *tokenstore.UnavailableError
		config  *tokenstore.MisconfiguredError
	)
	switch {
	case errors.Is(err, tokenstore.ErrInvalidID), errors.Is(err, tokenstore.ErrNotFound):
		return UnknownConnection()
	case errors.As(err, &consent):
		return ConsentNeeded(consent.Reason)
	case errors.As(err, &config):
		return &Problem{
			Code: "provider_refuses_client", Status: http.StatusBadGateway, Title: "Provider refuses this client",
			Detail:     "The provider's authorization server does not accept the client as it is configured here. An operator has to act.",
			RetryAfter: config.RetryAfter,
		}
	case errors.As(err, &away):
		return unavailable(away.RetryAfter)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable(time.Second)
	}
	return StoreUnavailable()
}

// Passable reports whether on_error pass lets a request go without a token: there is
// none, and nothing is wrong with the request or with our own storage.
func (p *Problem) Passable() bool {
	switch p.Code {
	case "consent_needed", "unavailable", "provider_refuses_client":
		return true
	}
	return false
}
