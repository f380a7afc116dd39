package forward

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dripping is a body that gives a byte after each pause, until it is closed.
type dripping struct {
	pause  time.Duration
	closed chan struct{}
	read   int
}

func (d *dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.pause):
		d.read++
		return copy(p, "x"), nil
	case <-d.closed:
		return 0, http.ErrBodyReadAfterClose
	}
}

func (d *dripping) Close() error {
	close(d.closed)
	return nil
}

func TestDiscardWaitsForNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		pause time.Duration
		read  int
	}{
		"a body that drips":       {10 * time.Millisecond, 9},
		"a body that never comes": {time.Hour, 0},
		"a long body":             {0, discardBytes},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &dripping{pause: tc.pause, closed: make(chan struct{})}
				started := time.Now()
				discard(&http.Response{Body: body})
				if took := time.Since(started); took > discardTime {
					t.Errorf("it took %v", took)
				}
				<-body.closed
				if body.read < tc.read || body.read > tc.read+1 { // two things at the same time may come in either order
					t.Errorf("%d bytes were read", body.read)
				}
			})
		})
	}
}

func TestDiscardReadsAShortBodyToItsEnd(t *testing.T) {
	body := strings.NewReader(strings.Repeat("x", discardBytes))
	discard(&http.Response{Body: io.NopCloser(body)})
	if body.Len() != 0 {
		t.Errorf("%d bytes are left, and the connection cannot be used again", body.Len())
	}
}
