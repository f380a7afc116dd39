package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// browser is a person's browser, as far as servers can tell: it keeps cookies, follows
// redirects, and says where its requests come from.
type browser struct {
	t      *testing.T
	client *http.Client
	inner  http.Transport

	mu      sync.Mutex
	visited []*url.URL
	cookies []*http.Cookie // that servers ever set
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	b.client = &http.Client{Jar: jar, Transport: b}
	t.Cleanup(b.inner.CloseIdleConnections)
	return b
}

// RoundTrip adds what browsers say of themselves.
func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	b.visited = append(b.visited, r.URL)
	b.mu.Unlock()
	r = r.Clone(r.Context())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cookie := range resp.Cookies() {
		if cookie.Value != "" {
			b.cookies = append(b.cookies, cookie)
		}
	}
	return resp, nil
}

// connect opens the page of a connection, and presses the first button of it and of the pages
// that follow, one for each of forms, which say what is filled in before. It returns the
// status of the last page.
func (b *browser) connect(page string, forms ...url.Values) int {
	b.t.Helper()
	resp, err := b.client.Get(page)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, fill := range forms {
		next, err := standin.Submit(b.t.Context(), b.client, resp, standin.Button{}, fill)
		if err != nil {
			b.t.Fatalf("%s: %v", resp.Request.URL.Redacted(), err)
		}
		resp = next
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// param returns the last value of a query parameter among the pages that were visited.
func (b *browser) param(name string) (value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.visited {
		if v := u.Query().Get(name); v != "" {
			value = v
		}
	}
	return value
}
