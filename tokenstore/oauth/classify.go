package oauth

import (
	"net/http"
	"slices"
	"strings"
)

// Reasons beside those of networkReason and the error codes below.
const (
	reasonURL       = "bad_url"     // the URL is not one that secrets may be sent to
	reasonRequest   = "bad_request" // the request could not be built
	reasonNoToken   = "no_token"    // there is no token to send
	reasonRepeated  = "repeated"    // a second request was about to be sent
	reasonRedirect  = "redirect"
	reasonTooLarge  = "too_large"
	reasonAddress   = "refused_address" // the host's address is not public, and not declared private
	reasonMalformed = "malformed"
	reasonStatus    = "status"
)

const codeInvalidGrant = "invalid_grant"

// configCodes say that the client is wrong, and so every grant of it would be
// refused likewise.
//
// invalid_request is not among them. It speaks of one request: some servers
// send it for one dead grant (Dex, Metabase), and to pause a whole provider for
// that would be the larger mistake. It passes as transient, so that the one
// connection is tried again ever more rarely; a provider that is known to mean
// a dead grant by it lists it in DeadCodes.
var configCodes = []string{"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"}

// judgeToken says what the reply to a token request means.
func (v *conversation) judgeToken(r *reply) (*Answer, *Error) {
	rd := read(r, v.endpoint)
	usable := rd.whole && !rd.suspect && !rd.hasError && !rd.answer.AccessToken.IsZero()
	if success(r.status) && usable && r.trouble != reasonTooLarge {
		// A JSON object that is closed is complete, even if the connection
		// broke after it.
		return &rd.answer, nil
	}
	failure := v.judge(r, rd)
	failure.Delivered = v.delivered(r, rd)
	if failure.Delivered != nil && !failure.Delivered.RefreshToken.IsZero() && failure.Class != Unknown {
		// A server that grants cannot at the same time have refused.
		failure.Class, failure.InDoubt = Transient, true
	}
	return nil, failure
}

// judgeRevocation says what the reply to a revocation means (RFC 7009 section
// 2.2): any success will do, as long as it does not name an error.
func (v *conversation) judgeRevocation(r *reply) *Error {
	rd := read(r, v.endpoint)
	if success(r.status) && !rd.hasError {
		return nil
	}
	return v.judge(r, rd)
}

// judge says what a reply means that is no success.
func (v *conversation) judge(r *reply, rd reading) *Error {
	e := &Error{
		Op:         v.op,
		Status:     r.status,
		RetryAfter: retryAfter(r.header.Get("Retry-After"), v.client.now()),
	}
	e.Class, e.Reason, e.InDoubt = byStatus(r.status)
	switch {
	case r.cut():
		// Even of a refusal: only one that was heard to its end counts.
		e.Class, e.Reason, e.InDoubt = Unknown, r.trouble, true
		return e
	case r.trouble != "":
		e.Reason = r.trouble
		return e
	case rd.suspect || rd.code == "":
		return e
	}
	e.Code = v.harmless(rd.code)
	if e.Code != "" && !passing(r.status) && !rd.contradicts() {
		v.byCode(e)
	}
	return e
}

// contradicts reports whether a body both refuses and grants.
func (rd *reading) contradicts() bool { return rd.hasError && !rd.answer.AccessToken.IsZero() }

// byStatus says what a reply means by its status alone.
func byStatus(status int) (class Class, reason string, inDoubt bool) { //nolint:unparam // that it is Transient each time is what it says
	switch {
	case success(status):
		return Transient, reasonMalformed, true
	case status >= 300 && status < 400:
		return Transient, reasonRedirect, true
	case status >= 400 && status < 500:
		// Of 4xx, only a 408 may follow upon work that was done. Without an
		// error code of OAuth, the rest come from something in between, such as
		// a gateway or a captive portal, and say nothing about the grant.
		return Transient, reasonStatus, status == http.StatusRequestTimeout
	}
	return Transient, reasonStatus, true
}

// byCode sharpens e by its error code, on a status that allows it.
func (v *conversation) byCode(e *Error) {
	e.InDoubt = false
	switch {
	case e.Code == codeInvalidGrant || slices.Contains(v.endpoint.DeadCodes, e.Code):
		e.Class, e.Reason = Dead, e.Code
		if v.op == opClientCredentials {
			e.Class = Config // there is no grant but the client's own credentials
		}
	case slices.Contains(configCodes, e.Code):
		e.Class, e.Reason = Config, e.Code
	default:
		e.Class, e.Reason = Transient, reasonStatus
		if e.Code == "invalid_request" {
			e.Reason = e.Code
		}
	}
}

// passing reports whether a status says by itself that the failure passes,
// whatever code is written beside it.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return !success(status) && (status < 400 || status > 499)
}

func success(status int) bool { return status >= 200 && status <= 299 }

// delivered is what an answer that is no success brought nevertheless. A
// refresh token alone counts only where the server does not speak of failure:
// error pages echo the request, sometimes with its secrets masked, and a mask
// must never replace a good refresh token. An access token was in no request,
// so beside one it is no echo.
func (v *conversation) delivered(r *reply, rd reading) *Answer {
	a := rd.answer
	hasAccess, hasRefresh := !a.AccessToken.IsZero(), !a.RefreshToken.IsZero()
	switch {
	case hasAccess && hasRefresh:
		return &a
	case !success(r.status) || rd.hasError:
		return nil
	case hasAccess, hasRefresh && !a.RefreshToken.Equal(v.refreshToken):
		return &a
	}
	return rd.nested
}

// harmless returns code, or "" if a server wrote a secret of ours where a code
// belongs. Codes that are known are let through first, since a secret may have
// one of their words in it.
func (v *conversation) harmless(code string) string {
	if code == codeInvalidGrant || slices.Contains(configCodes, code) || slices.Contains(v.endpoint.DeadCodes, code) {
		return code
	}
	for _, s := range v.secrets {
		if plain := s.Reveal(); plain != "" && (strings.Contains(plain, code) || strings.Contains(code, plain)) {
			return ""
		}
	}
	return code
}
