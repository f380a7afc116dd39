package forward

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestConnectionsEndWithABodyThatWasNotReadToItsEnd(t *testing.T) {
	failed := errors.New("failed")
	for _, tc := range []struct {
		name string
		next caddyhttp.HandlerFunc
		err  error
		want string
	}{
		{"the body was read", func(w http.ResponseWriter, r *http.Request) error {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusOK)
			return nil
		}, nil, ""},
		{"the answer comes before the end", func(w http.ResponseWriter, r *http.Request) error {
			_, _ = io.ReadFull(r.Body, make([]byte, 4))
			w.WriteHeader(http.StatusOK)
			return nil
		}, nil, "close"},
		{"the answer is for the error routes to write", func(_ http.ResponseWriter, r *http.Request) error {
			_, _ = io.ReadFull(r.Body, make([]byte, 2))
			return failed
		}, failed, "close"},
		{"an interim answer ends nothing", func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusOK)
			return nil
		}, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/x", io.NopCloser(strings.NewReader("body")))
			if !inChunks(r) {
				t.Fatal("a body of unknown length is in chunks")
			}
			w := httptest.NewRecorder()
			if err := forwardChunks(w, r, tc.next); !errors.Is(err, tc.err) {
				t.Fatal(err)
			}
			if got := w.Header().Get("Connection"); got != tc.want {
				t.Errorf("Connection is %q, not %q", got, tc.want)
			}
		})
	}
}
