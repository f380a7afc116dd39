package oauth_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// inMemory is a transport whose server is a function, so that time can be
// virtual.
func inMemory(t *testing.T, serve func(net.Conn)) http.RoundTripper {
	var servers sync.WaitGroup
	t.Cleanup(servers.Wait)
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			servers.Go(func() {
				defer func() { _ = theirs.Close() }()
				serve(theirs)
			})
			return ours, nil
		},
	}
}

func TestEverySlowServerEndsWithTheDeadline(t *testing.T) {
	drip := func(conn net.Conn, text string) {
		for i := range len(text) {
			if _, err := conn.Write([]byte{text[i]}); err != nil {
				return
			}
			<-time.After(time.Second)
		}
	}
	for _, tc := range []struct {
		name  string
		serve func(conn net.Conn)
		want  string
	}{
		{"no answer", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "unknown timeout in doubt"},
		{"a drip of headers", func(conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			drip(conn, head)
		}, "unknown timeout in doubt"},
		{"a stall after the headers", func(conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, head+"\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}, "unknown timeout in doubt"},
		{"a drip of the body", func(conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, head+"\r\n"+`{"refresh_token":"R",`)
			drip(conn, strings.Repeat(" ", 100))
		}, "unknown timeout in doubt delivered refresh=R"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := oauth.NewClient(oauth.Options{Transport: inMemory(t, tc.serve)})
				begin := time.Now()
				_, err := c.Refresh(t.Context(), endpoint("http://localhost"), secret.New("SENT"))
				if got := outcome(nil, err); got != tc.want {
					t.Errorf("\n got %s\nwant %s", got, tc.want)
				}
				if took := time.Since(begin); took != 20*time.Second {
					t.Errorf("it took %v, want the default of 20 s", took)
				}
			})
		})
	}
}

func TestADialThatHangsLeavesNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := oauth.NewClient(oauth.Options{Timeout: time.Second, Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				<-time.After(10 * time.Second)
				return nil, io.ErrClosedPipe
			},
		}})
		begin := time.Now()
		_, err := c.Refresh(t.Context(), endpoint("http://localhost"), secret.New("SENT"))
		if got := outcome(nil, err); got != "transient timeout" || time.Since(begin) != time.Second {
			t.Errorf("%s after %v", got, time.Since(begin))
		}
		<-time.After(time.Minute) // net/http lets the dial go on by itself
	})
}

func TestTheLifetimeCountsFromTheMomentOfSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := oauth.NewClient(oauth.Options{Transport: inMemory(t, func(conn net.Conn) {
			_ = takeRequest(bufio.NewReader(conn))
			<-time.After(7 * time.Second)
			_, _ = io.WriteString(conn, head+"\r\n"+grant)
		})})
		begin := time.Now()
		a, err := c.Refresh(t.Context(), endpoint("http://localhost"), secret.New("SENT"))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.ExpiresAt.Sub(begin); got != time.Hour {
			t.Errorf("the token expires %v after the request, want 1h", got)
		}
	})
}
