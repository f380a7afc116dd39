package bolt

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// putAfter is a write that begins so long after the first one.
type putAfter struct {
	id      string
	after   time.Duration
	patient bool
}

func TestWritesThatNobodyWaitsForShareATransaction(t *testing.T) {
	const half, quarter = gatherFor / 2, gatherFor / 4
	for _, tc := range []struct {
		name    string
		puts    []putAfter
		took    []time.Duration // each of them
		commits int
	}{
		{"one that somebody waits for", []putAfter{{"a", 0, false}}, []time.Duration{0}, 1},
		{"one alone", []putAfter{{"a", 0, true}}, []time.Duration{gatherFor}, 1},
		{"two", []putAfter{{"a", 0, true}, {"b", half, true}}, []time.Duration{gatherFor, gatherFor - half}, 1},
		{"two far apart", []putAfter{{"a", 0, true}, {"b", 2 * gatherFor, true}}, []time.Duration{gatherFor, gatherFor}, 2},
		{"somebody waits for the second", []putAfter{{"a", 0, true}, {"b", half, false}}, []time.Duration{half, 0}, 1},
		{"somebody waits for the third", []putAfter{{"a", 0, true}, {"b", quarter, true}, {"c", half, false}}, []time.Duration{half, half - quarter, 0}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				commits, operations := 0, 0
				s := openNew(t, Options{OnCommit: func(c CommitInfo) { commits++; operations += c.Operations }})
				took := make([]time.Duration, len(tc.puts))
				var all sync.WaitGroup
				for i, p := range tc.puts {
					all.Go(func() {
						ctx := t.Context()
						if p.patient {
							ctx = storage.Patiently(ctx)
						}
						time.Sleep(p.after)
						began := time.Now()
						if _, err := s.Put(ctx, named(p.id)); err != nil {
							t.Error(err)
						}
						took[i] = time.Since(began)
					})
				}
				all.Wait()
				must(t, s.Close())
				if commits != tc.commits || operations != len(tc.puts) {
					t.Errorf("%d operations in %d transactions, want %d in %d", operations, commits, len(tc.puts), tc.commits)
				}
				for i := range took {
					if took[i] != tc.took[i] {
						t.Errorf("%s took %s, want %s", tc.puts[i].id, took[i], tc.took[i])
					}
				}
			})
		})
	}
}

// A store that closes lets nobody wait.
func TestAWriteThatWaitsForCompanyIsDoneWhenTheStoreCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		began, done := time.Now(), make(chan error, 1)
		go func() {
			_, err := s.Put(storage.Patiently(t.Context()), named("a"))
			done <- err
		}()
		synctest.Wait()
		must(t, s.Close())
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
		s, err := Open(s.path, Options{})
		must(t, err)
		if _, err := s.Get(context.WithoutCancel(t.Context()), named("a").Key); err != nil {
			t.Error(err)
		}
		must(t, s.Close())
	})
}
