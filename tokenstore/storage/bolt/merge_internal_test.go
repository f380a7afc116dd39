package bolt

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// far are trees in which bbolt merges one branch after the other, since all are small, and those above lose their long keys with it and
// become small too.
var far = []tinyShape{
	{lengths: [...]int{4, 4, 4, 380, 380, 380, 380, 4}, broad: 20},
	{lengths: [...]int{4, 4, 4, 460, 460, 460, 460, 4}, broad: 20},
	{lengths: [...]int{4, 4, 4, 400, 400, 440, 480, 4}, broad: 30},
}

// anyTiny returns the shape of a tree whose keys are long and short anywhere.
func anyTiny(r *rand.Rand) (s tinyShape) {
	choice := []int{4, 4, 4, 100, 300, 380, 400, 420, 440, 460, 480, 490}
	for i := range s.lengths {
		s.lengths[i] = choice[r.IntN(len(choice))]
	}
	s.edge = []int{0, 0, tinyLeaves - 2, tinyLeaves / 2, tinyLeaves/2 - 2}[r.IntN(5)]
	s.broad = 2 + r.IntN(40)
	return s
}

// listed returns the pages of the tree that the list of free pages has. A page that bbolt reads to merge it, it writes to another place.
func (d *tiny) listed(t *testing.T, s *Store) (ids []uint64) {
	t.Helper()
	file, err := os.ReadFile(s.Path())
	must(t, err)
	meta, _ := newest(bytes.NewReader(file))
	list, err := mapping{data: file, each: d.each, root: meta.root}.freed(meta)
	must(t, err)
	for id := range d.levels {
		if list.any(id, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestRemovalsMergeNoPageThatWasNotChecked(t *testing.T) {
	shapes := far
	r := rand.New(rand.NewPCG(7, 8))
	for range soaktest.Times(30, 6000) {
		shapes = append(shapes, anyTiny(r))
	}
	var merged [tinyLevels + 1]int
	for _, shape := range shapes {
		d := newTiny(t, shape)
		s := d.open(t, func([]byte) {})
		done, refused, checked := d.remove(t, s)
		if done == 0 || refused > 0 {
			t.Errorf("%+v: %d of %d removals in a sound file were refused", shape, refused, done+refused)
		}
		for _, id := range d.listed(t, s) {
			if merged[d.levels[id]]++; !checked[id] {
				t.Errorf("%+v: page %d, on level %d, was merged and not checked", shape, id, d.levels[id])
			}
		}
		must(t, s.Close())
	}
	for level, n := range merged {
		if n < len(shapes)/2 {
			t.Errorf("only %d pages were written on level %d", n, level)
		}
	}
	t.Logf("%d trees; pages that were merged or written to, by level: %d", len(shapes), merged)
}

func TestADamagedPageThatWouldBeMergedIsRefusedAndNothingElseIsHarmed(t *testing.T) {
	damages := []func(p page){
		func(p page) { clear(p) },
		func(p page) { order.PutUint32(p[12:], p.overflow()+1) }, // bbolt would free the page behind it
		func(p page) { order.PutUint16(p[10:], uint16(p.count()-1)) },
	}
	files, all := 0, 0
	for _, shape := range far {
		d := newTiny(t, shape)
		s := d.open(t, func([]byte) {})
		d.remove(t, s)
		merged := d.listed(t, s)
		must(t, s.Close())
		for n, id := range merged {
			if n%soaktest.Times(4, 1) > 0 {
				continue
			}
			for _, damage := range damages {
				s := d.open(t, func(b []byte) { damage(b[int(id)*d.each:][:d.each]) })
				before := d.readable(t, s)
				done, refused, _ := d.remove(t, s)
				if refused == 0 {
					t.Errorf("page %d, on level %d, is damaged, and %d removals were done", id, d.levels[id], done)
				}
				// They take the pages that were freed.
				inParallel(40, func(i int) error {
					_, err := s.Put(t.Context(), storage.Record{Key: storage.Key{Bucket: "other", ID: treeID(i)}, Value: make([]byte, d.each)})
					return err
				})
				after := d.readable(t, s)
				for key := range before {
					if !after[key] && !d.keys[key] {
						t.Errorf("page %d, on level %d, is damaged: key %.6s is lost", id, d.levels[id], key)
					}
				}
				if missing := len(before) - len(after); missing != done {
					t.Errorf("page %d, on level %d, is damaged: %d keys were removed, and %d are missing", id, d.levels[id], done, missing)
				}
				must(t, s.Close())
				files, all = files+1, all+refused
			}
		}
	}
	if files == 0 {
		t.Error("nothing was tried")
	}
	t.Logf("%d files with a damaged page, %d removals refused", files, all)
}

// readable returns the keys of the tree that can be found.
func (d *tiny) readable(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	must(t, s.view(t.Context(), func(tx *bbolt.Tx) error {
		m := mapped(tx)
		b, err := m.nested(recordsBucket, treeBucket)
		if err != nil {
			return err
		}
		for key := range d.keys {
			if _, err := m.find(b, []byte(key)); err == nil {
				found[key] = true
			} else if !errors.Is(err, storage.ErrDamaged) && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
		}
		return nil
	}))
	return found
}
