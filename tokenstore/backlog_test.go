package tokenstore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

func TestABacklogOfOneProviderKeepsNoOtherWaiting(t *testing.T) {
	const size, perSecond, seconds = 800, 250, 3
	for name, tc := range map[string]struct {
		backlog int
		slow    time.Duration // each of its connections; 0 if it is not configured
		least   int           // refreshes of the other one in the first seconds
	}{
		"of one that is not configured any more": {backlog: 300_000, least: seconds * 240},
		"of one that is slow":                    {backlog: 1_000_000, slow: 10 * time.Second, least: seconds*240 - 100}, // it is read in the first second
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, size, nil)
			synctest.Test(t, func(t *testing.T) {
				f.t, f.took = t, 200*time.Millisecond
				file, err := bolt.Open(f.path, bolt.Options{})
				if err != nil {
					t.Fatal(err)
				}
				index := &longIndex{Backend: file, provider: "backlog", size: tc.backlog, slow: tc.slow}
				providers := []*tokenstore.Provider{f.provider(func(c *tokenstore.ProviderConfig) {
					c.MaxConcurrent, c.MaxPerSecond = 100, perSecond
				})}
				if tc.slow > 0 {
					providers = append(providers, f.provider(func(c *tokenstore.ProviderConfig) { c.Name, c.MaxConcurrent = "backlog", 4 }))
				}
				s, err := tokenstore.Open(t.Context(), tokenstore.Options{
					Backend: index, Key: fleetKey(t), Client: oauth.NewClient(oauth.Options{Transport: f}),
				})
				if err != nil {
					t.Fatal(err)
				}
				defer f.close(s)
				defer s.Attach(tokenstore.Attachment{Providers: providers})()
				time.Sleep(seconds * time.Second)
				within, second := f.calls(), f.mostIn(time.Second)
				time.Sleep(size/perSecond*time.Second + 5*time.Second)
				all := f.calls()
				read := index.read.Load()
				time.Sleep(time.Minute)
				read = index.read.Load() - read
				t.Logf("behind %d entries: %d refreshes in %d seconds, at most %d in one of %d allowed; %d entries of the index were read in the minute after all %d",
					tc.backlog, within, seconds, second, perSecond, read, all)
				if within < tc.least || second > perSecond {
					t.Errorf("%d refreshes in %d seconds, at most %d in one", within, seconds, second)
				}
				if all != size || f.wrong > 0 {
					t.Errorf("%d refreshes of %d, %d of them again", all, size, f.wrong)
				}
				if most := int64(3 * (tc.backlog + size)); read > most {
					t.Errorf("%d entries were read in a minute in which nothing could be done", read)
				}
			})
		})
	}
}

func fleetKey(t testing.TB) seal.Key {
	t.Helper()
	key, err := seal.ParseKey("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	return key
}
