package oauth

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// conversation is one request to an authorization server and its answer. It is
// the transport beneath x/oauth2: it turns the request into the provider's
// dialect, takes the raw answer before anyone else can lose a part of it, and
// shows x/oauth2 a canonical one.
type conversation struct {
	client       *Client
	endpoint     *Endpoint
	op           string
	params       map[string]string
	refreshToken secret.String   // the one that is sent, if any
	secrets      []secret.String // all that is sent and must not come back in an error

	used   atomic.Bool
	answer *Answer
}

// RoundTrip sends a token request.
func (v *conversation) RoundTrip(req *http.Request) (*http.Response, error) {
	if v.used.Swap(true) {
		// A second request could spend the same refresh token twice.
		_ = req.Body.Close()
		return nil, &Error{Op: v.op, Class: Unknown, Reason: reasonRepeated, InDoubt: true}
	}
	out, err := v.translate(req)
	if err != nil {
		return nil, err
	}
	reply, failure := v.send(out)
	if failure != nil {
		return nil, failure
	}
	answer, failure := v.judgeToken(reply)
	if failure != nil {
		return nil, failure
	}
	v.answer = answer
	return canonical(req, answer), nil
}

// translate turns the form that x/oauth2 built into what the provider expects.
func (v *conversation) translate(req *http.Request) (*http.Request, error) {
	raw, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, v.refuse(reasonRequest)
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, v.refuse(reasonRequest)
	}
	for k, val := range v.params {
		form.Set(k, val)
	}
	out := req.Clone(req.Context())
	v.setBody(out, form)
	return out, nil
}

// setBody gives req the form as its body, in the provider's encoding.
func (v *conversation) setBody(req *http.Request, form url.Values) {
	contentType, body := "application/x-www-form-urlencoded", form.Encode()
	if v.endpoint.BodyFormat == BodyJSON {
		members := make(map[string]string, len(form))
		for k := range form {
			members[k] = form.Get(k)
		}
		encoded, _ := json.Marshal(members) // strings to strings cannot fail
		contentType, body = "application/json", string(encoded)
	}
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = int64(len(body))
	req.Body = io.NopCloser(strings.NewReader(body))
	// Without GetBody, net/http has nothing to send a second time, whatever
	// transport the client was given.
	req.GetBody = nil
}

// refuse reports a request that could not be built. Nothing was sent.
func (v *conversation) refuse(reason string) *Error {
	return &Error{Op: v.op, Class: Config, Reason: reason}
}

// canonical is the answer as x/oauth2 reads it without trouble.
func canonical(req *http.Request, a *Answer) *http.Response {
	body, _ := json.Marshal(map[string]string{ // strings to strings cannot fail
		"access_token":  a.AccessToken.Reveal(),
		"refresh_token": a.RefreshToken.Reveal(),
		"token_type":    a.TokenType,
	})
	return &http.Response{
		StatusCode:    http.StatusOK,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
}
