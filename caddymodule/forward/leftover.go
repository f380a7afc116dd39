package forward

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// forwardChunks runs next for a request whose body comes in chunks by HTTP/1, and sees to it that the
// connection ends with the answer unless the body was read to its end. Chunks that are malformed have no end,
// and the rest of them must not be read as the client's next request: somebody who cannot use this route, but whose
// body is on a connection that another program forwards requests by, could write that one.
//
// net/http closes such connections, but not once the proxy has closed a body that Caddy has wrapped.
func forwardChunks(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	body := &chunkedBody{ReadCloser: r.Body}
	r.Body = body
	last := &lastAnswer{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, body}
	err := next.ServeHTTP(last, r)
	if err != nil {
		last.announce() // the answer is still to come, by another writer
	}
	return err
}

// inChunks reports whether a request has a body that comes in chunks.
func inChunks(r *http.Request) bool { return r.ContentLength < 0 && r.ProtoMajor == 1 }

// chunkedBody notes whether it was read to its end. It is read by another goroutine than the handler's.
type chunkedBody struct {
	io.ReadCloser
	whole atomic.Bool
}

// Read implements io.Reader.
func (b *chunkedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.whole.Store(true)
	}
	return n, err
}

// lastAnswer is the answer to a request after which the connection may have to end.
type lastAnswer struct {
	*caddyhttp.ResponseWriterWrapper
	body *chunkedBody
}

// WriteHeader implements http.ResponseWriter.
func (w *lastAnswer) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.announce()
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

// announce has the server close the connection behind the answer.
func (w *lastAnswer) announce() {
	if !w.body.whole.Load() {
		w.Header().Set("Connection", "close")
	}
}
