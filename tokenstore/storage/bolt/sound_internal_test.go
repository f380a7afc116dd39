package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// soundLeaves fails if a page of any tree is not as bbolt writes it, and returns how many leaves there are.
func soundLeaves(t *testing.T, m mapping, b bucket) (leaves int) {
	t.Helper()
	w := walk{mapping: m}
	w.damage = func(damage error) bool {
		t.Error(damage)
		return true
	}
	w.leaf = func(l leaf) bool {
		if l.err != nil {
			t.Error(l.err)
		}
		leaves++
		for i := range l.count() {
			e, ok := l.leaf(i)
			if !ok || !e.bucket {
				continue
			}
			inner, err := asBucket(e)
			if err != nil {
				t.Error(err)
			}
			leaves += soundLeaves(t, m, inner)
		}
		return !t.Failed()
	}
	w.run(b)
	return leaves
}

// Whatever bbolt does to its pages, splits and merges them, passes for sound, or else sound records would be refused.
func TestWhatBboltWritesIsSound(t *testing.T) {
	s := openNew(t, Options{})
	const rounds, writes, ids = 150, 64, 900
	r := rand.New(rand.NewPCG(5, 6))
	revisions, leaves := map[string]uint64{}, 0
	type outcome struct {
		id       string
		revision uint64
		err      error
	}
	for round := range rounds {
		shrinks := round%50 >= 30
		outcomes, begun := make(chan outcome, writes), map[string]bool{}
		for range writes {
			id := fmt.Sprintf("%0*d", 1+r.IntN(30), r.IntN(ids))
			if begun[id] {
				continue
			}
			begun[id] = true
			record := storage.Record{
				Key: storage.Key{Bucket: "b", ID: id}, Revision: revisions[id],
				Value: bytes.Repeat([]byte("x"), r.IntN(1<<r.IntN(14))), // some are longer than a page
			}
			if r.IntN(4) > 0 {
				record.Due = time.Unix(int64(r.IntN(1<<20)), 0)
			}
			go func() {
				if shrinks && record.Revision > 0 {
					outcomes <- outcome{id, 0, s.Delete(t.Context(), record.Key, record.Revision)}
					return
				}
				revision, err := s.Put(t.Context(), record)
				outcomes <- outcome{id, revision, err}
			}()
		}
		for range begun {
			o := <-outcomes
			if o.err != nil {
				t.Error(o.err)
			}
			revisions[o.id] = o.revision
		}
		err := s.view(t.Context(), func(tx *bbolt.Tx) error {
			m := mapped(tx)
			leaves += soundLeaves(t, m, m.top())
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d leaves after %d rounds of writes, all sound", leaves, rounds)
}
