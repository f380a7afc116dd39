package oauth

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

// reply is what came back from a server, raw.
type reply struct {
	sentAt time.Time // the moment before the request was sent
	status int
	header http.Header
	body   []byte
	// trouble is why the body is not complete: reasonTooLarge, or why the
	// connection broke. It is empty if the body is complete.
	trouble string
}

// cut reports whether the connection broke before the end of the body.
func (r *reply) cut() bool { return r.trouble != "" && r.trouble != reasonTooLarge }

// send sends req once and reads what comes. An error means that there is no
// status line.
func (v *conversation) send(req *http.Request) (*reply, *Error) {
	req.Header.Set("Accept", "application/json")
	// Asking for no compression also keeps net/http from undoing it unasked
	// and unbounded.
	req.Header.Set("Accept-Encoding", "identity")

	if err := req.Context().Err(); err != nil {
		return nil, &Error{Op: v.op, Class: Transient, Reason: networkReason(err, false)}
	}
	var p progress
	ctx := context.WithValue(req.Context(), dialsKey{}, v.endpoint.dials())
	req = req.WithContext(httptrace.WithClientTrace(ctx, p.trace()))
	sentAt := v.client.now()
	resp, err := v.client.transport.RoundTrip(req)
	if refused, ok := errors.AsType[*dial.RefusedError](err); ok {
		return nil, &Error{Op: v.op, Class: Config, Reason: reasonAddress, Refused: refused}
	}
	if err != nil {
		failure := &Error{Op: v.op, Class: Transient, Reason: networkReason(err, p.inHandshake.Load())}
		if p.mayHaveWritten() {
			failure.Class, failure.InDoubt = Unknown, true
		}
		return nil, failure
	}
	defer func() { _ = resp.Body.Close() }()
	r := &reply{sentAt: sentAt, status: resp.StatusCode, header: resp.Header}
	r.body, r.trouble = readBounded(resp.Body, resp.ContentLength, v.client.maxBody)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		r.gunzip(v.client.maxBody)
	}
	return r, nil
}

// gunzip undoes a compression that nobody asked for: some gateways apply it
// all the same, and there may be a refresh token in it.
func (r *reply) gunzip(limit int64) {
	z, err := gzip.NewReader(bytes.NewReader(r.body))
	if err != nil {
		return
	}
	var trouble string
	r.body, trouble = readBounded(z, -1, limit)
	if r.trouble == "" {
		r.trouble = trouble
	}
}

// usualBody is room for nearly every answer.
const usualBody = 16 << 10

// readBounded takes memory for the usual body, or for a smaller one that is announced, and once more for the largest one: a server
// that sends too much must not make it be copied again and again. An announced length of -1 is unknown.
func readBounded(src io.Reader, announced, limit int64) (body []byte, trouble string) {
	room := min(usualBody, limit+1)
	if announced >= 0 {
		room = min(announced, room-1) + 1 // for the read that finds the end too
	}
	body = make([]byte, 0, room)
	for {
		if len(body) == cap(body) {
			body = append(make([]byte, 0, limit+1), body...)
		}
		n, err := src.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return body[:limit], reasonTooLarge
		case err == io.EOF: // one that is wrapped is a cut, and no end
			return body, ""
		case err != nil:
			return body, networkReason(err, false)
		}
	}
}

// progress is how far a request got. Its fields are atomic because a transport
// may go on in the background after it has returned.
type progress struct {
	started     atomic.Bool // the transport reports its progress at all
	connected   atomic.Bool
	inHandshake atomic.Bool // a TLS handshake has begun and not succeeded
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:           func(string) { p.started.Store(true) },
		GotConn:           func(httptrace.GotConnInfo) { p.connected.Store(true) },
		TLSHandshakeStart: func() { p.inHandshake.Store(true) },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { p.inHandshake.Store(err != nil) },
	}
}

// mayHaveWritten reports whether a byte of the request may have left. The mark
// is the connection, not the first write: the writes happen on another
// goroutine, whose report may come after RoundTrip has given up.
func (p *progress) mayHaveWritten() bool { return !p.started.Load() || p.connected.Load() }

// networkReason puts a network error into one word. The error itself goes no
// further: it may quote the URL, or what the server sent.
func networkReason(err error, inHandshake bool) string {
	var (
		dns     *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case inHandshake:
		return "tls"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "cut"
	}
	return "network"
}
