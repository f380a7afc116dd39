package oauth_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// Memory is taken for what a server announces only as far as an answer may be long.
func TestALengthThatIsAnnouncedAndDoesNotComeCostsNothing(t *testing.T) {
	for _, length := range []string{"9223372036854775807", "1073741824", "1000"} {
		base := listen(t, func(_ int, conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, head+"Content-Length: "+length+"\r\n\r\n"+grant)
		})
		a, err := newClient().Refresh(t.Context(), endpoint(base), secret.New("SENT"))
		if got, want := outcome(a, err), "ok access=A refresh=R in=1h0m0s"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", length, got, want)
		}
	}
}

func TestTheLimitOfABodyIsExact(t *testing.T) {
	srv := record(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, grant) })
	for limit, want := range map[int64]string{
		int64(len(grant)):     "ok access=A refresh=R in=1h0m0s",
		int64(len(grant)) - 1: "transient too_large in doubt delivered access=A refresh=R",
	} {
		c := oauth.NewClient(oauth.Options{MaxBody: limit, Now: func() time.Time { return noon }})
		a, err := c.Refresh(t.Context(), endpoint(srv.URL), secret.New("SENT"))
		if got := outcome(a, err); got != want {
			t.Errorf("limit %d:\n got %s\nwant %s", limit, got, want)
		}
	}
}
