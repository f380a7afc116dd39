package forward

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// watchBody runs next for a request that has a body by HTTP/1, and sees to it that the
// connection ends with the answer unless the body was read to its end. What is left of it, because it is malformed, late or of no interest to
// the API, must not be read as the client's next request: somebody who cannot use this route, but whose
// body is on a connection that another program forwards requests by, could write that one.
//
// net/http closes such connections, but not once reverse_proxy has closed a body that Caddy has wrapped.
func watchBody(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	body := &watchedBody{ReadCloser: r.Body}
	r.Body = body
	last := &lastAnswer{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, body}
	err := next.ServeHTTP(last, r)
	if err != nil {
		last.announce() // the answer is still to come, by another writer
	}
	return err
}

// hasBody reports whether a request has a body by HTTP/1. In other versions, what is left of one is in nobody's way.
func hasBody(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}

// watchedBody notes whether it was read to its end, which net/http tells with the last byte. It is read by another
// goroutine than the handler's.
type watchedBody struct {
	io.ReadCloser
	whole atomic.Bool
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.whole.Store(true)
	}
	return n, err
}

// lastAnswer is the answer to a request after which the connection may have to end.
type lastAnswer struct {
	*caddyhttp.ResponseWriterWrapper
	body *watchedBody
}

// WriteHeader implements http.ResponseWriter.
func (w *lastAnswer) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.announce()
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

// Write implements http.ResponseWriter. The header goes out with it, if it has not yet.
func (w *lastAnswer) Write(p []byte) (int, error) {
	w.announce()
	return w.ResponseWriterWrapper.Write(p)
}

// ReadFrom implements io.ReaderFrom, likewise.
func (w *lastAnswer) ReadFrom(r io.Reader) (int64, error) {
	w.announce()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is what http.ResponseController looks for, likewise.
func (w *lastAnswer) FlushError() error {
	w.announce()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// announce has the server close the connection behind the answer.
func (w *lastAnswer) announce() {
	if !w.body.whole.Load() {
		w.Header().Set("Connection", "close")
	}
}
