package oauth_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestAnAnswerThatIsCutAnywhereLosesNothingThatCame(t *testing.T) {
	answer := head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(grant)+1) + grant + " "
	var cut atomic.Int64
	base := listen(t, func(_ int, conn net.Conn) {
		if takeRequest(bufio.NewReader(conn)) == nil {
			_, _ = io.WriteString(conn, answer[:cut.Load()])
		}
	})
	bodyAt := strings.Index(answer, grant)
	accessAt := bodyAt + strings.Index(grant, `,"refresh`)
	refreshAt := bodyAt + strings.Index(grant, `,"expires`)
	for n := range len(answer) + 1 {
		cut.Store(int64(n))
		want := "unknown cut in doubt"
		switch {
		case n >= bodyAt+len(grant):
			want = "ok access=A refresh=R in=1h0m0s"
		case n >= refreshAt:
			want += " delivered access=A refresh=R"
		case n >= accessAt:
			want += " delivered access=A"
		}
		a, err := newClient().Refresh(t.Context(), endpoint(base), secret.New("SENT"))
		got := outcome(a, err)
		if n < bodyAt { // half a header is not always told from a bad one
			got = strings.Replace(got, "unknown network", "unknown cut", 1)
		}
		if got != want {
			t.Errorf("cut after %d of %d bytes:\n got %s\nwant %s", n, len(answer), got, want)
		}
	}
	t.Logf("%d cuts", len(answer)+1)
}

func TestAFormThatIsCutGivesNoHalfToken(t *testing.T) {
	const form = "access_token=AAAA&refresh_token=RRRR&scope=s"
	var cut atomic.Int64
	base := listen(t, func(_ int, conn net.Conn) {
		if takeRequest(bufio.NewReader(conn)) == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(form), form[:cut.Load()])
		}
	})
	for n := range len(form) {
		cut.Store(int64(n))
		want := "unknown cut in doubt"
		switch {
		case n > strings.Index(form, "&scope"):
			want += " delivered access=AAAA refresh=RRRR"
		case n > strings.Index(form, "&refresh"):
			want += " delivered access=AAAA"
		}
		a, err := newClient().Refresh(t.Context(), endpoint(base), secret.New("SENT"))
		if got := outcome(a, err); got != want {
			t.Errorf("cut after %d bytes:\n got %s\nwant %s", n, got, want)
		}
	}
	t.Logf("%d cuts", len(form))
}

func TestARefusalThatIsCutKillsNothing(t *testing.T) {
	base := listen(t, func(_ int, conn net.Conn) {
		if takeRequest(bufio.NewReader(conn)) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n"+`{"error":"invalid_grant"}`)
		}
	})
	_, err := newClient().Refresh(t.Context(), endpoint(base), secret.New("SENT"))
	if got := outcome(nil, err); got != "unknown cut in doubt" {
		t.Error(got)
	}
}
