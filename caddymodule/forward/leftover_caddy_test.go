package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An API that answers before it has read a body leaves the rest of it on the client's connection. Whoever wrote the body
// must not get a request of their own into that.
func TestTheRestOfABodyIsNoRequest(t *testing.T) {
	byEither(t, func(t *testing.T, by string) {
		for _, tc := range []struct{ name, framing string }{
			{"of a known length", "Content-Length: 1000\r\n\r\n0123456789"},
			{"in chunks", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n0123456789"},
			{"of which nothing came", "Content-Length: 1000\r\n\r\n"},
			{"that waits to be asked for", "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "early") })
				p := proxyToSite(t, a.host()+"\n}\n}\nservers {\ntimeouts {\nread_body 300ms", "token_proxy demo/one {\n"+by+"\n}")
				address := strings.TrimPrefix(p.url, "http://")
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close() //nolint:errcheck // the end of the test
				if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(conn, "POST /early HTTP/1.1\r\nHost: %s\r\n%s", address, tc.framing)
				answers := bufio.NewReader(conn)
				res, err := http.ReadResponse(answers, nil)
				if err != nil || res.StatusCode == http.StatusOK && !res.Close {
					t.Fatalf("answer %+v, %v", res, err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_, _ = fmt.Fprintf(conn, "GET /smuggled HTTP/1.1\r\nHost: %s\r\n\r\n", address) // the connection may have ended
				if rest, _ := io.ReadAll(answers); len(rest) != 0 {
					t.Errorf("the rest of the body was answered: %s", rest)
				}
				for _, r := range a.requests() {
					if r.URL.Path != "/early" {
						t.Errorf("the API got %s", r.URL)
					}
				}
			})
		}
	})
}
