package forward

import (
	"io"
	"net/http"
	"time"
)

// Bounds of what is read of an answer that nobody wants. Beyond them a new connection costs less than waiting for the old one.
const (
	discardBytes = 4 << 10
	discardTime  = 100 * time.Millisecond
)

// discard ends an answer that nobody wants, and keeps its connection for others if the rest of it is short and does not keep
// anybody waiting. An API that drips its body must not hold up what comes next.
func discard(res *http.Response) {
	closing := time.AfterFunc(discardTime, func() { _ = res.Body.Close() }) // which ends the reading
	_, _ = io.CopyN(io.Discard, res.Body, discardBytes)
	if closing.Stop() {
		_ = res.Body.Close()
	}
}
