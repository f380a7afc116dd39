package bolt

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	treeRecords = 1000
	treeBucket  = "b"
)

// treeID returns ids that are so long that the trees have three levels.
func treeID(i int) string { return fmt.Sprintf("%04d%s", i, strings.Repeat("-", 120)) }

func treeDue(i int) time.Time { return time.Unix(int64(1_000_000+1000*i), 0).UTC() }

// treeValue returns values of which some do not fit into a page.
func treeValue(i int) []byte {
	times := 60
	if i%50 == 25 {
		times = 2000
	}
	return bytes.Repeat(fmt.Appendf(nil, "%04d|", i), times)
}

// shape is where the pages of a tree are.
type shape struct {
	root   uint64
	middle []uint64            // the branches below it
	leaves map[uint64][]uint64 // by branch
}

// tree3 is a database whose pages are known.
type tree3 struct {
	whole        []byte
	earlier      []byte // as it was before many changes
	each         int
	records, due shape
	meta         meta
	inUse        []uint64 // pages that are used to read and to write
}

// leastBranches is how many branches a tree has below its root at least. Which writes share a commit, and so where pages are
// split, differs from one time to the next, and so now and then there are fewer at first.
const leastBranches = 4

// newTree3 makes it, and leaves its file closed.
func newTree3(t *testing.T) tree3 {
	t.Helper()
	for range 20 {
		if d := anyTree3(t); len(d.records.middle) >= leastBranches && len(d.due.middle) >= leastBranches {
			return d
		}
	}
	t.Fatalf("there are less than %d branches each time", leastBranches)
	return tree3{}
}

func anyTree3(t *testing.T) tree3 {
	t.Helper()
	s := openNew(t, Options{})
	inParallel(treeRecords, func(i int) error {
		_, err := s.Put(t.Context(), treeRecord(i))
		if err != nil {
			t.Error(err)
		}
		return err
	})
	d := tree3{each: os.Getpagesize()}
	var err error
	if d.earlier, err = os.ReadFile(s.Path()); err != nil {
		t.Fatal(err)
	}
	inParallel(treeRecords/4, func(i int) error { return d.change(t, s, 4*i) })
	err = s.view(t.Context(), func(tx *bbolt.Tx) (err error) {
		m := mapped(tx)
		for _, of := range []struct {
			top []byte
			*shape
		}{{recordsBucket, &d.records}, {dueBucket, &d.due}} {
			b, err := m.nested(of.top, treeBucket)
			if err != nil {
				return err
			}
			of.root, of.leaves = b.root, map[uint64][]uint64{}
			of.middle = children(t, m, of.root)
			for _, id := range of.middle {
				of.leaves[id] = children(t, m, id)
				if p, err := m.page(of.leaves[id][0]); err != nil || p.flags() != leafFlag {
					t.Fatalf("the tree has not three levels: %v", err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	path := s.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d.whole, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	d.meta, _ = newest(bytes.NewReader(d.whole))
	d.inUse = []uint64{0, 1, d.meta.root, d.meta.freelist}
	for _, of := range []shape{d.records, d.due} {
		d.inUse = append(d.inUse, of.root, of.root)
		for _, id := range of.middle {
			d.inUse = append(append(d.inUse, id), of.leaves[id]...)
		}
	}
	return d
}

// change puts a record with another due time, and as it was.
func (d tree3) change(t *testing.T, s *Store, i int) error {
	r, err := s.Get(t.Context(), treeRecord(i).Key)
	for _, due := range []time.Time{treeDue(i).Add(time.Second), treeDue(i)} {
		if err == nil {
			r.Due = due
			r.Revision, err = s.Put(t.Context(), r)
		}
	}
	if err != nil {
		t.Error(err)
	}
	return err
}

func treeRecord(i int) storage.Record {
	return storage.Record{Key: storage.Key{Bucket: treeBucket, ID: treeID(i)}, Value: treeValue(i), Due: treeDue(i)}
}

func children(t *testing.T, m mapping, id uint64) (ids []uint64) {
	t.Helper()
	p, err := m.page(id)
	if err != nil || p.flags() != branchFlag {
		t.Fatalf("page %d is not a branch: %v", id, err)
	}
	for i := range p.count() {
		ids = append(ids, p.child(i))
	}
	return ids
}

// page returns a page of a file.
func (d tree3) page(b []byte, id uint64) page { return page(b[int(id)*d.each:][:d.each]) }

// lead lets an element of a branch lead to another page.
func (d tree3) lead(b []byte, branch uint64, i int, to uint64) {
	order.PutUint64(d.page(b, branch)[pageHeaderLen+i*elementLen+8:], to)
}

// open opens a store on a file that was damaged.
func (d tree3) open(t *testing.T, damage func(b []byte)) *Store {
	t.Helper()
	b := bytes.Clone(d.whole)
	damage(b)
	path := filepath.Join(t.TempDir(), "tokens.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// number returns which record has an id, -1 if none has.
func number(id string) int {
	i, err := strconv.Atoi(id[:min(4, len(id))])
	if err != nil {
		return -1
	}
	return i
}
