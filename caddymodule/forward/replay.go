package forward

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// replayBuffer keeps what is read of a request body, up to a limit, so that the
// request can be sent once more. It does not read ahead: the body streams.
//
// http.Transport may still be reading it after it returned a response, hence the mutex.
type replayBuffer struct {
	source io.ReadCloser
	length int64 // of the whole body, -1 if unknown
	limit  int

	mu   sync.Mutex // guards below
	kept []byte
	all  bool // kept is the whole body
	over bool // the body is longer than the limit
}

// Read implements io.Reader.
func (b *replayBuffer) Read(p []byte) (int, error) {
	n, err := b.source.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.all {
		return n, err
	}
	if len(b.kept)+n > b.limit {
		b.over, b.kept = true, nil
		return n, err
	}
	b.kept = append(b.kept, p[:n]...)
	// A body of known length is not always read to its EOF.
	b.all = err == io.EOF || b.length >= 0 && int64(len(b.kept)) == b.length
	return n, err
}

// Close implements io.Closer.
func (b *replayBuffer) Close() error { return b.source.Close() }

// whole returns the body, if all of it was read and kept.
func (b *replayBuffer) whole() ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept, b.all
}

// replay knows how to send a request's body a second time.
type replay struct {
	getBody func() (io.ReadCloser, error)
	buffer  *replayBuffer // nil if getBody or nothing does it
	empty   bool
}

// prepareReplay makes r ready to be sent twice, as far as limit allows.
func prepareReplay(r *http.Request, limit int) replay {
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return replay{empty: true}
	case r.GetBody != nil:
		return replay{getBody: r.GetBody}
	case limit <= 0 || r.ContentLength > int64(limit):
		return replay{}
	}
	b := &replayBuffer{source: r.Body, length: r.ContentLength, limit: limit}
	if b.length == 0 {
		b.length = -1 // net/http: a body and no length is a body of unknown length
	}
	if b.length > 0 {
		b.kept = make([]byte, 0, b.length)
	}
	r.Body = b
	return replay{buffer: b}
}

// body returns the body for the second time. ok is false if it cannot be had.
func (p replay) body() (getBody func() (io.ReadCloser, error), ok bool) {
	switch {
	case p.empty:
		return nil, true
	case p.getBody != nil:
		return p.getBody, true
	case p.buffer == nil:
		return nil, false
	}
	kept, ok := p.buffer.whole()
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(kept)), nil }, ok
}
