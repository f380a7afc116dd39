package bolt

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Each damages the last leaf of a branch, or what leads to it. It reports false if that would harm nothing.
var cousinDamages = []struct {
	name string
	do   func(d tree3, b []byte, s shape, branch int) bool
}{
	{"it is longer by a page that is in use", func(d tree3, b []byte, s shape, branch int) bool {
		last := s.last(branch)
		order.PutUint32(d.page(b, last)[12:], 1)
		return slices.Contains(d.inUse, last+1) && !slices.Contains(s.leaves[s.middle[branch+1]], last+1)
	}},
	{"it has an element less than it should", func(d tree3, b []byte, s shape, branch int) bool {
		p := d.page(b, s.last(branch))
		order.PutUint16(p[10:], uint16(p.count()-1))
		return p.count() > 0
	}},
	{"another leaf is in its place", func(d tree3, b []byte, s shape, branch int) bool {
		d.lead(b, s.middle[branch], len(s.leaves[s.middle[branch]])-1, s.leaves[s.middle[(branch+2)%len(s.middle)]][1])
		return true
	}},
}

func (s shape) last(branch int) uint64 {
	leaves := s.leaves[s.middle[branch]]
	return leaves[len(leaves)-1]
}

// ids returns the ids of records of which so many are removed below a branch that it is merged with the one before, and its first leaf,
// which keeps one, with the last leaf of that.
func (d tree3) ids(leaves []uint64, skip int) (ids []string) {
	for i, leaf := range leaves[:max(1, len(leaves)-2)] {
		p := page(d.whole[int(leaf)*d.each:])
		for j := range p.count() {
			if i+j > 0 && len(ids) < maxBatch {
				key, _ := p.key(j)
				ids = append(ids, string(key[skip:]))
			}
		}
	}
	return ids
}

func TestABatchOfRemovalsHarmsNothingBesideABranchThatIsMerged(t *testing.T) {
	trials, refused, done := 0, 0, 0
	for range soaktest.Times(1, 30) {
		d := newTree3(t)
		for _, tt := range cousinDamages {
			for branch := range len(d.records.middle) - 1 {
				for _, due := range []bool{false, true} {
					s, skip := d.records, 0
					if due {
						s, skip = d.due, dueLen
					}
					if branch+1 >= len(s.middle) {
						continue
					}
					harms := true
					store := d.open(t, func(b []byte) { harms = tt.do(d, b, s, branch) })
					if !harms {
						continue
					}
					trials++
					no, yes := removeBeside(t, store, d.ids(s.leaves[s.middle[branch+1]], skip), due, tt.name)
					refused, done = refused+no, done+yes
				}
			}
		}
	}
	if trials == 0 || refused == 0 || done == 0 {
		t.Error("nothing was tried")
	}
	t.Logf("%d files, %d writes refused, %d done", trials, refused, done)
}

// removeBeside removes the records, or moves their due times, all in one transaction.
func removeBeside(t *testing.T, s *Store, ids []string, due bool, name string) (refused, done int) {
	t.Helper()
	sound := readable(t, s)
	entries, _ := s.Due(t.Context(), treeBucket, time.Unix(1<<40, 0), storage.Due{}, 2*treeRecords)
	batch := make([]*write, 0, len(ids))
	for n, id := range ids {
		r, ok := sound[number(id)]
		if !ok {
			continue
		}
		w := &write{ctx: t.Context(), key: r.Key, done: make(chan struct{})}
		w.apply = func(tx *writing) (uint64, error) { return 0, remove(tx, r.Key, r.Revision) }
		if due {
			r.Due = time.Unix(1<<33+int64(n), 0)
			w.apply = func(tx *writing) (uint64, error) { return put(tx, r) }
		}
		batch = append(batch, w)
	}
	s.onCommit = func(i CommitInfo) {
		if i.Err != nil {
			t.Errorf("%s: commit: %v", name, i.Err)
		}
	}
	s.commit(batch)
	s.onCommit = nil
	removed := 0
	for _, w := range batch {
		switch {
		case w.err == nil && !due:
			delete(sound, number(w.key.ID))
			removed++
			done++
		case w.err == nil:
			done++
		case errors.Is(w.err, storage.ErrDamaged):
			refused++
		default:
			t.Errorf("%s: %v", name, w.err)
		}
	}
	// They take the pages that were freed.
	inParallel(150, func(i int) error {
		_, err := s.Put(t.Context(), storage.Record{Key: storage.Key{Bucket: "other", ID: treeID(i)}, Value: treeValue(i), Due: treeDue(i)})
		return err
	})
	after := readable(t, s)
	for i := range sound {
		if _, ok := after[i]; !ok {
			t.Errorf("%s: record %d is lost", name, i)
		}
	}
	if left, err := s.Due(t.Context(), treeBucket, time.Unix(1<<40, 0), storage.Due{}, 2*treeRecords); len(left) < len(entries)-removed {
		t.Errorf("%s: %d due entries of %d are left: %v", name, len(left), len(entries)-removed, err)
	}
	return refused, done
}
