package bolt

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// rootOf returns where a file says which page the root of a bucket is.
func (d tree3) rootOf(t *testing.T, b, top []byte) []byte {
	t.Helper()
	m := mapping{data: b, each: d.each, root: d.meta.root}
	in, err := m.topBucket(top)
	must(t, err)
	e, err := m.find(in, []byte(treeBucket))
	must(t, err)
	return e.value[:8]
}

// The root of a bucket is in a page of before, and what was its root then is now a page of another tree.
func TestAPageThatIsInTwoTreesIsNotWrittenAndLosesNothing(t *testing.T) {
	d := newTree3(t)
	for _, tt := range []struct {
		name string
		top  []byte
		to   uint64
		some bool // writes are done all the same
	}{
		{"the root of the index is a leaf of records", dueBucket, d.records.leaves[d.records.middle[1]][2], true},
		{"the root of the index is a branch of records", dueBucket, d.records.middle[1], true},
		{"the root of the index is that of records", dueBucket, d.records.root, false},
		{"the root of the index is that of all buckets", dueBucket, d.meta.root, false},
		{"the root of records is a leaf of the index", recordsBucket, d.due.leaves[d.due.middle[1]][2], false},
		{"the root of records is a branch of the index", recordsBucket, d.due.middle[1], false},
		{"the root of records is that of the index", recordsBucket, d.due.root, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bounded(t)
			s := d.open(t, func(b []byte) { order.PutUint64(d.rootOf(t, b, tt.top), tt.to) })
			handle := s.file.current
			sound, entries := readable(t, s), entriesOf(t, s)
			if len(sound)+len(entries) < treeRecords {
				t.Errorf("%d records and %d entries can be read", len(sound), len(entries))
			}
			done, refused := 0, 0
			for i, err := range inParallel(treeRecords, func(i int) error {
				r, ok := sound[i]
				if !ok {
					r = treeRecord(i)
				}
				if i%2 == 0 {
					r.Due = r.Due.Add(time.Second)
				}
				_, err := s.Put(t.Context(), r)
				return err
			}) {
				if err == nil {
					done++
					delete(entries, i)
					continue
				}
				refused++
				wantDamaged(t, "Put", i, err)
			}
			// They take the pages that were freed.
			inParallel(150, func(i int) error {
				_, err := s.Put(t.Context(), storage.Record{Key: storage.Key{Bucket: "other", ID: treeID(i)}, Value: treeValue(i)})
				return err
			})
			if refused == 0 || tt.some != (done > 0) || s.file.current != handle {
				t.Errorf("%d writes were refused, %d done, and the file was opened again: %v", refused, done, s.file.cause)
			}
			if after := readable(t, s); len(after) != len(sound) {
				t.Errorf("%d records of %d after the writes", len(after), len(sound))
			}
			after := entriesOf(t, s)
			for i := range entries {
				if !after[i] {
					t.Errorf("the entry of record %d is lost", i)
				}
			}
			t.Logf("%d writes were refused, %d done", refused, done)
		})
	}
}

// entriesOf returns the records that the due index has.
func entriesOf(t *testing.T, s *Store) map[int]bool {
	t.Helper()
	found := map[int]bool{}
	entries, err := s.Due(t.Context(), treeBucket, treeDue(treeRecords), storage.Due{}, 2*treeRecords)
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		t.Error(err)
	}
	for _, e := range entries {
		found[number(e.Key.ID)] = true
	}
	return found
}

// A page of before was longer, and where it went on there is another page now.
func TestAPageThatGoesOnInAnotherOneIsNotWritten(t *testing.T) {
	d := newTree3(t)
	id := d.long(t)
	long := page(d.whole[int(id)*d.each:])
	other := d.records.leaves[d.records.middle[1]][2]
	s := d.open(t, func(b []byte) {
		next := d.page(b, id+1)
		copy(next, d.page(d.whole, other))
		order.PutUint64(next, id+1)
	})
	sound := 0
	for i := range long.count() {
		key, _ := long.key(i)
		r, err := s.Get(t.Context(), storage.Key{Bucket: treeBucket, ID: string(key)})
		if errors.Is(err, storage.ErrDamaged) {
			continue // it is what went on there
		}
		must(t, err)
		sound++
		_, err = s.Put(t.Context(), r)
		wantDamaged(t, "Put", number(r.Key.ID), err)
		wantDamaged(t, "Delete", number(r.Key.ID), s.Delete(t.Context(), r.Key, r.Revision))
	}
	t.Logf("%d of %d records of the page can be read", sound, long.count())
	if sound == 0 {
		t.Error("nothing was tried")
	}
}
