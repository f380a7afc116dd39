package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// A reload swaps the configuration under requests; each of them finds the store.
func TestRequestsDuringReloadsAreAllAnsweredAlike(t *testing.T) {
	s := testcaddy.New(t)
	origin := fmt.Sprintf("http://localhost:%d", testcaddy.FreePort(t))
	site := origin + " {\n\tbind 127.0.0.1\n\ttoken_connect\n\ttoken_endpoint /token a/x\n}\n"
	config := func(i int) string { return fmt.Sprintf("provider a dropbox {\n client_id client-%d\n}", i) }
	s.MustLoad(config(0), site)

	const callers, reloads = 3, 15
	done, answers := make(chan struct{}), make(chan map[string]int)
	var answered atomic.Int32 // callers
	for range callers {
		go func() { answers <- askUntil(origin+"/token", done, &answered) }()
	}
	// A slow machine may have reset all requests of a caller until now.
	loaded := 0
	for began := time.Now(); loaded < reloads || answered.Load() < callers && time.Since(began) < time.Minute; loaded++ {
		s.MustLoad(config(loaded+1), site)
	}
	close(done)
	all := 0
	for range callers {
		seen := <-answers
		if len(seen) == 0 {
			t.Error("no request was answered")
		}
		for answer, times := range seen {
			all += times
			if !strings.Contains(answer, `"connect_url":"`+origin+`/connect/a/x"`) {
				t.Errorf("%d times the answer was %s", seen[answer], answer)
			}
		}
	}
	t.Logf("%d answers during %d reloads", all, loaded)
	if log := s.Log(); strings.Contains(log, "panic") {
		t.Errorf("the log has\n%s", log)
	}
}

// askUntil requests url, once at least, until done is closed, and counts what is
// answered; with its first answer it adds itself to answered. Connections that a closing listener had not accepted yet are reset;
// that is between Caddy and the kernel.
func askUntil(url string, done <-chan struct{}, answered *atomic.Int32) map[string]int {
	// A connection of its own for each request, since a reload closes those that are idle.
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	seen := make(map[string]int)
	for {
		if answer, err := askOnce(client, url); err == nil {
			if seen[answer]++; len(seen) == 1 && seen[answer] == 1 {
				answered.Add(1)
			}
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
