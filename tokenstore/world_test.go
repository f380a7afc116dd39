package tokenstore_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/storagetest"
)

const (
	clientID     = "demo-client"
	clientSecret = "canary-client-secret"
	redirectURI  = "http://localhost:8080/connect/callback/demo"
)

var demo = tokenstore.ID{Provider: "demo", Name: "auth"}

// world is a store on a real bbolt file, and a stand-in in memory, in the fake
// time of a synctest bubble.
type world struct {
	*tokenstore.Store
	t        *testing.T
	path     string
	key      seal.Key
	server   *standin.Server
	backend  *storagetest.Faulty
	provider *tokenstore.Provider
	seen     *recorder
	offset   atomic.Int64 // of the store's wall clock
	// wrap, if set, is put around the file when the store is opened.
	wrap func(storage.Backend) storage.Backend
	// noDial, if set, is what becomes of an attempt to connect to the server.
	noDial atomic.Pointer[func(context.Context) error]
	detach func()
}

// inWorld runs a test in a bubble of its own.
func inWorld(t *testing.T, o standin.Options, adjust func(*tokenstore.ProviderConfig), test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o, adjust)
		defer w.end()
		test(t, w)
	})
}

func newWorld(t *testing.T, o standin.Options, adjust func(*tokenstore.ProviderConfig)) *world {
	t.Helper()
	o.InMemory = true
	o.Clients = append(o.Clients, standin.Client{ID: clientID, Secret: clientSecret, RedirectURIs: []string{redirectURI}})
	server := standin.New(o)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseKey(strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, path: filepath.Join(t.TempDir(), "tokens.db"), key: key, server: server,
		seen: new(recorder),
	}
	w.provider = w.newProvider(adjust)
	w.open()
	return w
}

func (w *world) newProvider(adjust func(*tokenstore.ProviderConfig)) *tokenstore.Provider {
	w.t.Helper()
	c := tokenstore.ProviderConfig{
		Name: demo.Provider, ClientID: clientID, ClientSecret: secret.New(clientSecret),
		AuthorizeURL: w.server.OAuthURL() + "/oauth2/authorize",
		TokenURL:     w.server.OAuthURL() + "/oauth2/token",
		RevokeURL:    w.server.OAuthURL() + "/oauth2/revoke",
		MaxPerSecond: 1000,
	}
	if adjust != nil {
		adjust(&c)
	}
	p, err := tokenstore.NewProvider(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// now is the store's wall clock.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

// open opens the store on the world's file.
func (w *world) open() {
	w.t.Helper()
	file, err := bolt.Open(w.path, bolt.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.backend = storagetest.NewFaulty(file)
	if w.wrap != nil {
		w.backend = storagetest.NewFaulty(w.wrap(file))
	}
	w.Store, err = tokenstore.Open(w.t.Context(), tokenstore.Options{
		Backend: w.backend, Key: w.key, Now: w.now,
		Client: oauth.NewClient(oauth.Options{
			Transport: &http.Transport{DialContext: w.dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10},
			Now:       w.now,
		}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.detach = w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider}, Observer: w.seen})
}

// dial connects to the server, as far as noDial lets it.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if refuse := w.noDial.Load(); refuse != nil {
		return nil, (*refuse)(ctx)
	}
	return w.server.DialContext(ctx, network, address)
}

// crash lets the store end as a kill -9 would leave it: nothing that is not in
// the file by now gets there.
func (w *world) crash() {
	w.t.Helper()
	w.backend.FailPuts(-1, storage.ErrUnavailable)
	_ = w.Close(context.Background())
}

// restart closes the store in good order and opens it again.
func (w *world) restart() {
	w.t.Helper()
	if err := w.Close(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *world) end() {
	w.backend.FailPuts(0, nil)
	w.backend.OnPut(nil)
	w.server.ClearFaults()
	w.noDial.Store(nil)
	if err := w.Close(context.Background()); err != nil {
		w.t.Errorf("closing: %v", err)
	}
	if err := w.server.Close(); err != nil {
		w.t.Error(err)
	}
}

// connect gives the connection a grant that the stand-in issued.
func (w *world) connect(id tokenstore.ID) standin.Grant {
	w.t.Helper()
	g, err := w.server.IssueGrant(clientID)
	if err != nil {
		w.t.Error(err)
	}
	err = w.Import(w.t.Context(), id, tokenstore.Import{
		AccessToken: g.AccessToken, RefreshToken: g.RefreshToken, ExpiresAt: w.now().Add(g.ExpiresIn),
	})
	if err != nil {
		w.t.Error(err)
	}
	return g
}

// token returns the connection's token, which there must be.
func (w *world) token() *tokenstore.Token {
	w.t.Helper()
	tok, err := w.Token(w.t.Context(), demo, tokenstore.Want{})
	if err != nil {
		w.t.Fatalf("Token: %v", err)
	}
	return tok
}

func (w *world) status() tokenstore.Status {
	w.t.Helper()
	s, err := w.Status(w.t.Context(), demo)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) wantState(state tokenstore.State, reason tokenstore.Reason) {
	w.t.Helper()
	if s := w.status(); s.State != state || s.Reason != reason {
		w.t.Errorf("state %s %q (last error %q), want %s %q", s.State, s.Reason, s.LastError, state, reason)
	}
}

func (w *world) wantRefreshes(n int) {
	w.t.Helper()
	if got := w.server.Refreshes(); got != n {
		w.t.Errorf("the server saw %d refreshes, want %d", got, n)
	}
}

// accepted reports whether the server's API takes the token now.
func (w *world) accepted(t *tokenstore.Token) bool {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.APIURL()+"/2/users/get_current_account", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+t.Value.Reveal())
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// recorder is an observer that remembers.
type recorder struct {
	tokenstore.NopObserver
	// next, if not nil, is told of refreshes, consents and deletions too. It is set before there is a connection.
	next tokenstore.Observer

	mu        sync.Mutex
	refreshes []tokenstore.RefreshEvent
	consents  []tokenstore.ConsentEvent
	pauses    []tokenstore.PauseEvent
	unsaved   []tokenstore.UnsavedEvent
	consented []tokenstore.ID
	troubles  []string
}

func (r *recorder) Refreshed(e tokenstore.RefreshEvent) {
	if r.next != nil {
		defer r.next.Refreshed(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refreshes = append(r.refreshes, e)
}

func (r *recorder) ConsentNeeded(e tokenstore.ConsentEvent) {
	if r.next != nil {
		defer r.next.ConsentNeeded(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.consents = append(r.consents, e)
}

func (r *recorder) Consented(id tokenstore.ID) {
	if r.next != nil {
		defer r.next.Consented(id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.consented = append(r.consented, id)
}

func (r *recorder) Deleted(id tokenstore.ID) {
	if r.next != nil {
		r.next.Deleted(id)
	}
}

func (r *recorder) ProviderPaused(e tokenstore.PauseEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pauses = append(r.pauses, e)
}

func (r *recorder) Unsaved(e tokenstore.UnsavedEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsaved = append(r.unsaved, e)
}

func (r *recorder) Trouble(op string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubles = append(r.troubles, op+": "+err.Error())
}

func (r *recorder) failures() (reasons []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.refreshes {
		if e.Err != nil {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

// connectMany connects n connections of the world's provider.
func (w *world) connectMany(n int) []tokenstore.ID {
	w.t.Helper()
	ids := make([]tokenstore.ID, n)
	var wg sync.WaitGroup
	for i := range ids {
		ids[i] = tokenstore.ID{Provider: demo.Provider, Name: fmt.Sprintf("c%04d", i)}
		// At once, since writes that wait at the same time share a transaction.
		wg.Go(func() { w.connect(ids[i]) })
	}
	wg.Wait()
	return ids
}

// panicky is a recorder that panics at each refresh while it is armed.
type panicky struct {
	*recorder
	armed atomic.Bool
}

func (p *panicky) Refreshed(e tokenstore.RefreshEvent) {
	p.recorder.Refreshed(e)
	if p.armed.Load() {
		panic("canary-panic")
	}
}
