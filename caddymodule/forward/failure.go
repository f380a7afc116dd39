package forward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// failure is an error of the exchange with an API, in words of our own. net/http's
// words quote what it could not read of an answer, and an API that repeats what it was sent
// would get the token into logs and, by {err.message}, to clients.
//
// The cause stays for errors.Is and errors.As: Caddy decides by it whether to try again, and
// what the client is told.
type failure struct {
	words   string
	timeout bool
	cause   error
}

func newFailure(cause error) *failure {
	f := &failure{cause: cause}
	netErr, isNet := errors.AsType[net.Error](cause)
	f.timeout = isNet && netErr.Timeout()
	f.words = "the exchange with the API failed: " + f.describe()
	return f
}

// describe says what happened, without a byte that came from the API.
func (f *failure) describe() string {
	if dial, ok := errors.AsType[reverseproxy.DialError](f.cause); ok {
		return dial.Error() // nothing was heard of the API yet
	}
	switch {
	case errors.Is(f.cause, context.Canceled):
		return "canceled"
	case isA[*tls.CertificateVerificationError](f.cause), isA[x509.UnknownAuthorityError](f.cause), isA[x509.HostnameError](f.cause):
		return "its certificate is not trusted"
	case isA[tls.RecordHeaderError](f.cause), isA[tls.AlertError](f.cause):
		return "no TLS connection"
	case f.timeout:
		return "timeout"
	case errors.Is(f.cause, io.EOF), errors.Is(f.cause, io.ErrUnexpectedEOF), errors.Is(f.cause, syscall.ECONNRESET), errors.Is(f.cause, syscall.EPIPE):
		return "the connection ended before the answer did"
	}
	return "no valid answer came"
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func (f *failure) Error() string { return f.words }

// GoString keeps %#v from showing the cause.
func (f *failure) GoString() string { return fmt.Sprintf("%q", f.words) }

func (f *failure) Unwrap() error { return f.cause }

// Timeout and Temporary make it a net.Error: Caddy answers a timeout with 504.
func (f *failure) Timeout() bool   { return f.timeout }
func (f *failure) Temporary() bool { return f.timeout }

// answerBody is the body of an API's answer. Its errors are failures too: that of a
// malformed trailer, for one, quotes it.
type answerBody struct{ io.ReadCloser }

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	// Caddy compares these two by value.
	if err == nil || err == io.EOF || err == context.Canceled { //nolint:errorlint // as they are, or not at all
		return n, err
	}
	return n, newFailure(err)
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	if err := b.ReadCloser.Close(); err != nil {
		return newFailure(err)
	}
	return nil
}

var _ net.Error = (*failure)(nil)
