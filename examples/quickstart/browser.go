package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
)

// newBrowser returns a client that keeps cookies, follows redirects and says with
// each form where the form stood. visited is told of every page and redirect on the way.
func newBrowser(base http.RoundTripper, visited func(visit)) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &http.Client{Jar: jar, Transport: &browserTransport{base: base, visited: visited}}, nil
}

// visit is one request of a browser and what came back.
type visit struct {
	method string
	place  string // host and path; a query here is a secret
	status int
	what   string // a page's title, or where it sends the browser
}

type browserTransport struct {
	base    http.RoundTripper
	visited func(visit)
}

// RoundTrip implements [http.RoundTripper].
func (t *browserTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "text/html")
	if r.Method == http.MethodPost {
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	t.visited(visit{method: r.Method, place: r.URL.Host + r.URL.Path, status: resp.StatusCode, what: describe(resp, body)})
	return resp, nil
}

var titleForm = regexp.MustCompile(`<title>([^<]*)</title>`)

// describe returns a page's title, or where a redirect leads.
func describe(resp *http.Response, body []byte) string {
	if to, err := resp.Location(); err == nil {
		return "→ " + to.Host
	}
	if found := titleForm.FindSubmatch(body); found != nil {
		return "“" + html.UnescapeString(string(found[1])) + "”"
	}
	return ""
}
