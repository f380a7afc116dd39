package tokenstore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// fleetSize is how many connections the tests of scale have. What is promised is promised for a million.
var fleetSize = flag.Int("connections", 2_000, "connections in the tests of scale")

// fleet is a file of very many connections, and a server that makes up the tokens of all of them.
type fleet struct {
	t    testing.TB
	path string
	size int

	took     time.Duration // each call
	lifetime time.Duration // of the tokens

	mu         sync.Mutex
	begun      []time.Time // guarded by mu: the calls
	refreshed  []int       // guarded by mu: how often each connection was
	wrong      int         // guarded by mu: calls with a refresh token that was used before
	underway   int         // guarded by mu
	mostAtOnce int         // guarded by mu
}

// fleetBorn is when the grants were given, long before any test begins.
var fleetBorn = time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC)

// newFleet connects size connections, whose refresh tokens are due. Those that grant makes are for another
// server than the fleet's own; nil makes the latter.
func newFleet(t testing.TB, size int, grant func(i int) string) *fleet {
	if grant == nil {
		grant = func(i int) string { return fleetToken(i, 0) }
	}
	f := &fleet{t: t, path: t.TempDir() + "/tokens.db", size: size, lifetime: 4 * time.Hour, refreshed: make([]int, size)}
	file, err := bolt.Open(f.path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := f.open(file, f, func() time.Time { return fleetBorn })
	defer f.close(s)
	defer s.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{f.provider(nil)}})()
	var wg sync.WaitGroup
	const writers = 512 // so that each transaction is full
	for w := range writers {
		wg.Go(func() {
			for i := w; i < size; i += writers {
				in := tokenstore.Import{
					AccessToken: strings.Repeat("a", 150), RefreshToken: grant(i), ExpiresAt: fleetBorn.Add(f.lifetime),
				}
				if err := s.Import(context.Background(), fleetID(i), in); err != nil {
					if u, ok := errors.AsType[*tokenstore.UnavailableError](err); ok {
						err = u.Err // what is wrong with the storage
					}
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return f
}

func fleetID(i int) tokenstore.ID {
	return tokenstore.ID{Provider: demo.Provider, Name: fmt.Sprintf("user-%07d", i)}
}

// fleetToken is a refresh token as long as they are.
func fleetToken(i, n int) string { return fmt.Sprintf("%d.%d.%s", i, n, strings.Repeat("r", 60)) }

func (f *fleet) provider(adjust func(*tokenstore.ProviderConfig)) *tokenstore.Provider {
	c := tokenstore.ProviderConfig{
		Name: demo.Provider, ClientID: clientID, AuthorizeURL: "https://as.example/a", TokenURL: "https://as.example/t",
	}
	if adjust != nil {
		adjust(&c)
	}
	p, err := tokenstore.NewProvider(c)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// open opens a store on the file, which sends its requests through the transport; nil is the usual one.
func (f *fleet) open(file *bolt.Store, transport http.RoundTripper, now func() time.Time) *tokenstore.Store {
	key, err := seal.ParseKey(strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		f.t.Fatal(err)
	}
	s, err := tokenstore.Open(f.t.Context(), tokenstore.Options{
		Backend: file, Key: key, Now: now, Client: oauth.NewClient(oauth.Options{Transport: transport, Now: now}),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fleet) close(s *tokenstore.Store) {
	if err := s.Close(context.Background()); err != nil {
		f.t.Error(err)
	}
}

// RoundTrip is the authorization server: it takes each refresh token once.
func (f *fleet) RoundTrip(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.GetConn(req.URL.Host)
		trace.GotConn(httptrace.GotConnInfo{})
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	var i, n int
	if _, err := fmt.Sscanf(form.Get("refresh_token"), "%d.%d.", &i, &n); err != nil {
		return nil, err
	}
	f.begin(i, n)
	time.Sleep(f.took)
	f.mu.Lock()
	f.underway--
	f.mu.Unlock()
	answer := fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":%d,"refresh_token":%q}`,
		strings.Repeat("b", 150), int(f.lifetime.Seconds()), fleetToken(i, n+1))
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(answer)),
		Body: io.NopCloser(strings.NewReader(answer)), Request: req,
	}, nil
}

func (f *fleet) begin(i, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = append(f.begun, time.Now())
	if f.refreshed[i] != n {
		f.wrong++
	}
	f.refreshed[i]++
	f.underway++
	f.mostAtOnce = max(f.mostAtOnce, f.underway)
}

// calls returns how many calls there were.
func (f *fleet) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.begun)
}
