package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// bench is the two Caddies, and what they need.
type bench struct {
	dir    string
	api    *httptest.Server
	oauth  *standin.Server
	tokens *caddy // token_proxy
	plain  *caddy // reverse_proxy
}

// newBench starts everything and sends each Caddy its first requests.
func newBench(ctx context.Context, o options) (b *bench, err error) {
	b = new(bench)
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "overhead"); err != nil {
		return nil, err
	}
	binary := o.binary
	if binary == "" {
		binary = filepath.Join(b.dir, "caddy")
		//nolint:gosec // the file to write is in our own directory
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/caddy")
		build.Dir = ".." // the module above has what Caddy depends on
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build Caddy (run this in the directory e2e): %w", err)
		}
	}
	b.api = httptest.NewServer(http.HandlerFunc(answer))
	b.oauth = standin.New(standin.Options{Clients: []standin.Client{{ID: "id", Secret: "secret"}}})
	if err := b.oauth.Start(); err != nil {
		return nil, err
	}
	if b.tokens, err = startCaddy(ctx, binary, filepath.Join(b.dir, "tokens"), b.tokenProxy); err != nil {
		return nil, err
	}
	if b.plain, err = startCaddy(ctx, binary, filepath.Join(b.dir, "plain"), b.reverseProxy); err != nil {
		return nil, err
	}
	_, err = b.round(ctx, 16, o.requests/2, true) // warm up
	return b, err
}

func (b *bench) close() {
	for _, c := range []*caddy{b.tokens, b.plain} {
		if c != nil {
			c.stop()
		}
	}
	if b.oauth != nil {
		_ = b.oauth.Close()
	}
	if b.api != nil {
		b.api.Close()
	}
	_ = os.RemoveAll(b.dir)
}

var kibibyte = `{"x":"` + strings.Repeat("x", 1015) + `"}`

// answer is the API's: 1 KiB of JSON.
func answer(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = []string{"application/json"}
	_, _ = io.WriteString(w, kibibyte)
}

func (b *bench) tokenProxy(url string) (global, site string) {
	return fmt.Sprintf("token_store {\nstorage bolt %s\nprovider demo generic {\ngrant client_credentials\nclient_id id\nclient_secret secret\ntoken_url %s/oauth2/token\nhost api %s\n}\n}",
		filepath.Join(b.dir, "tokens", "tokens.db"), b.oauth.OAuthURL(), b.api.URL), url + " {\ntoken_proxy demo/one\n}"
}

// reverseProxy has the same number of idle connections: with Caddy's default of 32 it
// would lose for that alone.
func (b *bench) reverseProxy(url string) (global, site string) {
	return "", fmt.Sprintf("%s {\nreverse_proxy %s {\nheader_up Authorization \"Bearer %s\"\ntransport http {\nkeepalive_idle_conns_per_host 1024\n}\n}\n}",
		url, b.api.Listener.Addr(), strings.Repeat("x", 64))
}

// round sends both the same number of requests, and returns the ratio of their CPU times.
func (b *bench) round(ctx context.Context, connections, requests int, tokensFirst bool) (float64, error) {
	order := []*caddy{b.tokens, b.plain}
	if !tokensFirst {
		order[0], order[1] = order[1], order[0]
	}
	spent := make(map[*caddy]time.Duration, 2)
	for _, c := range order {
		before, err := c.cpu()
		if err != nil {
			return 0, err
		}
		if err := load(ctx, c.url, connections, requests); err != nil {
			return 0, err
		}
		after, err := c.cpu()
		if err != nil {
			return 0, err
		}
		spent[c] = after - before
	}
	return float64(spent[b.tokens]) / float64(spent[b.plain]), nil
}

// load sends GET requests, one after the other on each connection.
func load(ctx context.Context, url string, connections, requests int) error {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(requests))
	errs := make([]error, connections)
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			for left.Add(-1) >= 0 && errs[i] == nil {
				errs[i] = get(ctx, transport, url)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func get(ctx context.Context, transport *http.Transport, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || n != int64(len(kibibyte))) {
		err = fmt.Errorf("status %d, %d bytes", res.StatusCode, n)
	}
	return err
}
