package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// A reload swaps the configuration under requests; each of them finds the store.
func TestRequestsDuringReloadsAreAllAnsweredAlike(t *testing.T) {
	s := testcaddy.New(t)
	origin := fmt.Sprintf("http://localhost:%d", testcaddy.FreePort(t))
	site := origin + " {\n\tbind 127.0.0.1\n\ttoken_connect\n\ttoken_endpoint /token a/x\n}\n"
	config := func(i int) string { return fmt.Sprintf("provider a dropbox {\n client_id client-%d\n}", i) }
	s.MustLoad(config(0), site)

	const callers = 3
	done, answers := make(chan struct{}), make(chan map[string]int)
	for range callers {
		go func() { answers <- askUntil(origin+"/token", done) }()
	}
	for i := range 15 {
		s.MustLoad(config(i+1), site)
	}
	close(done)
	for range callers {
		seen := <-answers
		if len(seen) == 0 {
			t.Error("no request was answered")
		}
		for answer := range seen {
			if !strings.Contains(answer, `"connect_url":"`+origin+`/connect/a/x"`) {
				t.Errorf("%d times the answer was %s", seen[answer], answer)
			}
		}
	}
	if log := s.Log(); strings.Contains(log, "panic") {
		t.Errorf("the log has\n%s", log)
	}
}

// askUntil requests url, once at least, until done is closed, and counts what is
// answered. Connections that a closing listener had not accepted yet are reset;
// that is between Caddy and the kernel.
func askUntil(url string, done <-chan struct{}) map[string]int {
	// A connection of its own for each request, since a reload closes those that are idle.
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	seen := make(map[string]int)
	for {
		if answer, err := askOnce(client, url); err == nil {
			seen[answer]++
		}
		select {
		case <-done:
			return seen
		default:
		}
	}
}

// askOnce returns the status and body.
func askOnce(client *http.Client, url string) (string, error) {
	resp, err := client.Post(url, "", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(resp.Body)
	return resp.Status + " " + string(body), err
}
