package standin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// answer is a whole answer before it is sent. It is a http.ResponseWriter, so
// that a handler can write it.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newAnswer(status int) *answer { return &answer{status: status, header: make(http.Header)} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// spoil applies f to a and returns the body to send.
func (a *answer) spoil(f *Fault) io.Reader {
	if f.Redirect != "" {
		a.status = http.StatusTemporaryRedirect
		a.header.Set("Location", f.Redirect)
	}
	if f.Status != 0 {
		a.status = f.Status
	}
	body := a.body.Bytes()
	if f.Body != "" || f.NoBody {
		body = []byte(f.Body)
	}
	if f.Garbage != 0 {
		body = f.Garbage.spoil(body, a.header)
	}
	if f.Rewrite != nil {
		body = f.Rewrite(bytes.Clone(body))
	}
	if f.ContentType != "" {
		a.header.Set("Content-Type", f.ContentType)
	}
	length := max(int64(len(body)), f.Size)
	a.header.Set("Content-Length", strconv.FormatInt(length, 10))
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	padded := io.MultiReader(bytes.NewReader(body), io.LimitReader(spaces{}, length-int64(len(body))))
	if f.Endless {
		a.header.Del("Content-Length")
		return io.MultiReader(padded, spaces{})
	}
	return padded
}

// spaces reads as spaces without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// pace writes what it reads from r: all at once, or one byte at a time with a
// pause before each. It ends early when w fails or wait returns false.
func pace(w io.Writer, flush func(), r io.Reader, drip time.Duration, wait func(time.Duration) bool) {
	if drip <= 0 {
		_, _ = io.Copy(w, r)
		return
	}
	one := make([]byte, 1)
	for wait(drip) {
		if _, err := io.ReadFull(r, one); err != nil {
			return
		}
		if _, err := w.Write(one); err != nil {
			return
		}
		flush()
	}
}

// send sends a with its body in the way that f says.
func (a *answer) send(w http.ResponseWriter, f *Fault, body io.Reader, wait func(time.Duration) bool) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	control := http.NewResponseController(w)
	flush := func() { _ = control.Flush() }
	if f.Drip > 0 || f.Endless {
		flush()
	}
	pace(w, flush, body, f.Drip, wait)
}

// cut takes the connection over and sends the first bytes of a as they would
// stand on the wire. It ends with closing, since http.Server does not know of the
// connection any more.
func (a *answer) cut(closing context.Context, w http.ResponseWriter, f *Fault, body io.Reader, wait func(time.Duration) bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// This is no HTTP/1 connection: an abort is as near as it gets.
		panic(http.ErrAbortHandler)
	}
	hangUp := func() { _ = conn.Close() }
	defer hangUp()
	defer context.AfterFunc(closing, hangUp)()
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	_ = a.header.Write(&head)
	head.WriteString("\r\n")
	wire := io.LimitReader(io.MultiReader(&head, body), f.CutAfter)
	pace(conn, func() {}, wire, f.Drip, wait)
	if tcp, ok := conn.(*net.TCPConn); ok && f.Reset {
		_ = tcp.SetLinger(0)
	}
}
