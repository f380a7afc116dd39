package forward

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// defaultExpectContinue is how long an API has to ask for a body whose client waits to be asked (RFC 9110 section
// 10.1.1). Without it, net/http would not wait at all.
const defaultExpectContinue = time.Second

// awaitedBody is the body of a client that waits to be asked for it. Closing it does not close the server's own: that would read
// it, to use the connection again, and wait for a client that waits for the answer. The server closes it after the answer.
type awaitedBody struct {
	io.ReadCloser
	closed atomic.Bool
}

// withAwaitedBody returns r, or a copy of it if its client waits to be asked for the body. r itself stays as it is: the body is the
// server's. If nobody has asked for it when the answer comes, the connection ends, since before any other net/http would read
// the body too: watchBody sees to that.
func withAwaitedBody(r *http.Request) *http.Request {
	if len(r.Header["Expect"]) == 0 || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	waiting := new(http.Request)
	*waiting = *r
	waiting.Body = &awaitedBody{ReadCloser: r.Body}
	return waiting
}

// Read implements io.Reader. It asks the client for the body.
func (b *awaitedBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.ReadCloser.Read(p)
}

// Close implements io.Closer.
func (b *awaitedBody) Close() error {
	b.closed.Store(true)
	return nil
}
