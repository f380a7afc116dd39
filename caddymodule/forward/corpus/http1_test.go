package corpus

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
)

// bytesOf returns a request as HTTP/1.1 has it.
func (r *request) bytesOf(x *exchange, prefixed bool) []byte {
	host := "{site}"
	if r.hasHost {
		host = r.host
	}
	var b strings.Builder
	b.WriteString(r.method + " " + r.targetOf(prefixed) + ` HTTP/1.1\r\nHost: ` + host + `\r\n`)
	for _, line := range r.header {
		b.WriteString(line + `\r\n`)
	}
	b.WriteString(`\r\n` + r.body)
	return []byte(expand(b.String(), x.values))
}

func (r *request) targetOf(prefixed bool) string {
	if prefixed && strings.HasPrefix(r.target, "/") {
		return "{prefix}" + r.target
	}
	return r.target
}

// http1 sends raw, which holds requests of these methods, and reads what comes until the connection
// is closed or the answer to another request comes, which is sent behind.
func (x *exchange) http1(raw []byte, methods []string, shut bool) {
	go func() { // Caddy may answer before it has read all of it
		_, _ = x.conn.Write(raw)
		if shut {
			x.closeWrite()
		}
	}()
	in := bufio.NewReader(io.TeeReader(x.conn, &x.raw))
	for n := 0; ; n++ {
		if n == len(methods) && !shut {
			_, _ = io.WriteString(x.conn, expand(`GET {prefix}`+sentinel+` HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n`, x.values))
		}
		method := http.MethodGet
		if n < len(methods) {
			method = methods[n]
		}
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			x.got = append(x.got, received{what: "closed"})
			if !isEnd(err) {
				x.got = append(x.got, received{what: err.Error()})
			}
			break
		}
		got := x.receive(res)
		if got.body == "sentinel" {
			break
		}
		x.got = append(x.got, got)
	}
	_ = x.conn.Close()
}

// isEnd reports whether a connection has ended without an answer.
func isEnd(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

func (x *exchange) receive(res *http.Response) received {
	body, err := io.ReadAll(res.Body)
	got := received{what: res.Status[:3], header: res.Header, body: string(body)}
	if errors.Is(err, io.ErrUnexpectedEOF) { // a reset may come behind a whole answer too
		got.what += " cut"
	}
	if res.Close {
		got.header["Connection"] = []string{"close"} // net/http has taken it away
	}
	return got
}
