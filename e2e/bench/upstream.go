package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// authorization is what those send who have a fixed header. It is as long as a short token.
const authorization = "Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// Sizes of answers.
const (
	kibibyte = 1 << 10
	mebibyte = 1 << 20
	huge     = 512 * mebibyte
)

// upstream is the API that is forwarded to: once in the clear and once with TLS.
type upstream struct {
	plain, tls *httptest.Server
}

// newUpstream starts the API. Both servers speak HTTP/1.1: it is what all competitors can.
func newUpstream(certificate tls.Certificate) *upstream {
	u := &upstream{
		plain: httptest.NewServer(http.HandlerFunc(answer)),
		tls:   httptest.NewUnstartedServer(http.HandlerFunc(answer)),
	}
	u.tls.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	u.tls.StartTLS()
	return u
}

func (u *upstream) close() {
	u.plain.Close()
	u.tls.Close()
}

var filler = bytes.Repeat([]byte("x"), mebibyte)

// answer sends as many bytes as the path says, if the request has a token. It takes uploads whole.
func answer(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodPut {
		_, _ = io.Copy(discard{}, r.Body) // the client sees what went wrong
		return
	}
	size, err := strconv.Atoi(r.URL.Path[1:])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(size)}
	for size > 0 {
		n := min(size, len(filler))
		if _, err := w.Write(filler[:n]); err != nil {
			return
		}
		size -= n
	}
}

// grantToken is the place where forward_auth fetches the token.
func grantToken(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Token", authorization)
}

// discard reads in larger pieces than io.Discard.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

const patience = 10 * time.Minute // for a whole cell
