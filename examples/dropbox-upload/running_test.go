package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// running is the command while it is up.
type running struct {
	t         *testing.T
	api, page string
	client    *http.Client
	out       string // what it printed
}

// whileUp runs the command on free ports, calls use as soon as it says how it is stopped, and
// then stops it.
func whileUp(t *testing.T, args []string, use func(r *running)) {
	t.Helper()
	var port, pagePort int
	if err := caddyproc.Ports(&port, &pagePort); err != nil {
		t.Fatal(err)
	}
	args = append(args, "-port", fmt.Sprint(port), "-page-port", fmt.Sprint(pagePort))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{
		t: t, api: fmt.Sprintf("http://localhost:%d", port), page: fmt.Sprintf("http://localhost:%d", pagePort),
		client: &http.Client{Transport: browser{&http.Transport{DisableKeepAlives: true}}, Jar: jar},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &person{}
	out.act = func() {
		defer cancel()
		r.out = out.text.String()
		use(r)
	}
	var problems strings.Builder
	if status := command(ctx, args, os.Getenv, out, &problems); status != statusStopped {
		t.Errorf("status %d\n%s%s", status, &out.text, &problems)
	}
}

// person reads what is printed, and acts once they know how to stop it.
type person struct {
	text strings.Builder
	act  func()
}

func (p *person) Write(b []byte) (int, error) {
	p.text.Write(b)
	if act := p.act; strings.Contains(p.text.String(), "Ctrl-C") && act != nil {
		p.act = nil
		act()
	}
	return len(b), nil
}

// browser says with each form from which origin it is sent, which is always the one that it is sent to.
type browser struct{ http.RoundTripper }

func (b browser) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && r.Header.Get("Origin") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	return b.RoundTripper.RoundTrip(r)
}

// request sends a request as the page at origin does.
func (r *running) request(method, target, origin, arg, body string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	if arg != "" {
		req.Header.Set("Dropbox-API-Arg", arg)
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(text)
}

// connect is what a person does with the link on the page.
func (r *running) connect() {
	r.t.Helper()
	asked, err := standin.Approve(r.t.Context(), r.client, r.api+"/connect/dropbox-demo/auth")
	if err != nil {
		r.t.Fatal(err)
	}
	done, err := standin.Submit(r.t.Context(), r.client, asked, standin.Button{}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer done.Body.Close()
	if text, err := io.ReadAll(done.Body); err != nil || !strings.Contains(string(text), "<title>Connected</title>") {
		r.t.Fatalf("status %d, %v\n%s", done.StatusCode, err, text)
	}
}

func wantStatus(t *testing.T, resp *http.Response, body string, want int) {
	t.Helper()
	if resp.StatusCode != want {
		t.Fatalf("%s: status %d, want %d: %s", resp.Request.URL, resp.StatusCode, want, body)
	}
}
