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
		{"the status goes without saying", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("early"))
			return nil
		}, nil, "close"},
		{"the header is flushed", func(w http.ResponseWriter, _ *http.Request) error { return http.NewResponseController(w).Flush() }, nil, "close"},
		{"the answer is copied", func(w http.ResponseWriter, _ *http.Request) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("early"))
			return err
		}, nil, "close"},
		{"an interim answer ends nothing", func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusOK)
			return nil
		}, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/x", io.NopCloser(strings.NewReader("body")))
			if !hasBody(r) {
				t.Fatal("a body of unknown length is none")
			}
			w := httptest.NewRecorder()
			if err := watchBody(w, r, tc.next); !errors.Is(err, tc.err) {
				t.Fatal(err)
			}
			if got := w.Header().Get("Connection"); got != tc.want {
				t.Errorf("Connection is %q, not %q", got, tc.want)
			}
		})
	}
}
