package corpus

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzSmuggling: whatever a client writes, the API gets requests that a strict reader reads as we sent them, each with our
// Authorization alone, in an allowed place, and each is one that the client has written, in that order. The client gets
// one answer for each that arrives whole.
func FuzzSmuggling(f *testing.F) {
	for _, c := range readCases(f) {
		if c.request != nil {
			f.Add([]byte(c.request.method + " " + c.request.target + " HTTP/1.1\r\nHost: localhost\r\n" + strings.Join(c.request.header, "\r\n") + "\r\n\r\n"))
		}
		if len(c.raw) > 0 {
			raw := expand(strings.Join(c.raw, ""), map[string]string{"site": "localhost", "prefix": "", "canary": "x"})
			if len(raw) < 4<<10 {
				f.Add([]byte(raw))
			}
		}
	}
	s := newSite(f, "FATAL")
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte(sentinel)) {
			return
		}
		s.tb, s.api.tb, s.content.tb = t, t, t
		s.api.begin(nil)
		s.content.begin(nil)
		x := s.exchange(http1, "bare")
		written := readLeniently(in)
		fines := x.smuggle(in, wholeOf(written))
		s.api.settle()
		s.content.settle()
		x.checkSmuggled(t, written, fines)
	})
}

// written is a request of the client's as net/http reads it.
type written struct {
	method, body string
	whole        bool
}

// readLeniently reads the requests that stand in b as Caddy does.
func readLeniently(b []byte) []written {
	var all []written
	in := bufio.NewReader(bytes.NewReader(b))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return all
		}
		body, err := io.ReadAll(r.Body)
		all = append(all, written{r.Method, string(body), err == nil})
		if err != nil {
			return all
		}
	}
}

// wholeOf returns how many of the requests are whole. The last one may wait for bytes that do not come.
func wholeOf(all []written) int {
	if n := len(all); n > 0 && !all[n-1].whole {
		return n - 1
	}
	return len(all)
}

// smuggle sends in, waits for as many answers as there may be requests, and returns how many are the
// API's.
func (x *exchange) smuggle(in []byte, requests int) (fines int) {
	go func() { _, _ = x.conn.Write(in) }() // Caddy may answer before it has read all of it
	_ = x.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	answers := bufio.NewReader(io.TeeReader(x.conn, &x.raw))
	for requests > 0 {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			break
		}
		if body, _ := io.ReadAll(res.Body); string(body) == "fine" {
			fines++
		}
		if res.StatusCode >= http.StatusOK {
			requests--
		}
	}
	x.closeWrite()
	_ = x.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	rest, _ := io.ReadAll(answers)
	_ = x.conn.Close()
	return fines + bytes.Count(rest, []byte("\r\n\r\nfine"))
}

// checkSmuggled compares what the client has written with what arrived.
func (x *exchange) checkSmuggled(t *testing.T, written []written, fines int) {
	whole := 0
	for _, a := range []*api{x.s.api, x.s.content} {
		for _, raw := range a.received() {
			messages, err := readMessages(raw)
			if err != nil || len(messages) != 1 {
				t.Fatalf("the API gets %d requests on a connection, %v: %q", len(messages), err, raw)
			}
			m := messages[0]
			if !m.cut {
				x.checkRules(t, m, a)
				whole++
			}
			method, _, _ := strings.Cut(m.line, " ")
			for len(written) > 0 && !written[0].isAsArrived(method, m) {
				written = written[1:]
			}
			if len(written) == 0 {
				t.Fatalf("nobody has written %q", raw)
			}
			written = written[1:]
		}
	}
	if fines > whole {
		t.Errorf("%d answers of the API's for %d requests", fines, whole)
	}
	if bytes.Contains(x.raw.Bytes(), []byte(tokenStart)) {
		t.Errorf("the client gets the token: %q", &x.raw)
	}
}

// isAsArrived reports whether m may be w on its way.
func (w written) isAsArrived(method string, m *message) bool {
	if w.method != method {
		return false
	}
	if m.cut {
		return strings.HasPrefix(w.body, m.body)
	}
	return w.whole && w.body == m.body
}
