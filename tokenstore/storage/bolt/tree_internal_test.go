package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// newTree3 makes it, and leaves its file closed.
func newTree3(t *testing.T) tree3 {
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
			if len(of.middle) < 4 {
				t.Fatalf("there are only %d branches", len(of.middle))
			}
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

// sight is what a store gives of all records.
type sight struct {
	sound   map[int]storage.Record // by number
	damaged []int
	listed  int
	listErr error
	due     []int
	dueErr  error
}

// look reads everything, and fails if something is wrong or not in order, or is said not to be there.
func look(t *testing.T, s *Store) sight {
	t.Helper()
	out := sight{sound: map[int]storage.Record{}}
	for i := range treeRecords {
		r, err := s.Get(t.Context(), treeRecord(i).Key)
		switch {
		case errors.Is(err, storage.ErrDamaged):
			out.damaged = append(out.damaged, i)
		case err != nil:
			t.Errorf("record %d: %v", i, err)
		case !bytes.Equal(r.Value, treeValue(i)):
			t.Errorf("record %d has a wrong value", i)
		default:
			out.sound[i] = r
		}
	}
	list, err := s.List(t.Context(), treeBucket, "", "", 2*treeRecords)
	out.listed, out.listErr = len(list), err
	for n, r := range list {
		if i := number(r.Key.ID); !bytes.Equal(r.Value, treeValue(i)) || n > 0 && list[n-1].Key.ID >= r.Key.ID {
			t.Errorf("record %d in the list is wrong", i)
		}
	}
	entries, err := s.Due(t.Context(), treeBucket, treeDue(treeRecords), storage.Due{}, 2*treeRecords)
	out.dueErr = err
	for n, e := range entries {
		if n > 0 && !before(entries[n-1], e) {
			t.Errorf("entry %d is out of order", n)
		}
		out.due = append(out.due, number(e.Key.ID))
	}
	if pages := paged(t, s); !slices.Equal(pages, entries) {
		t.Errorf("%d entries in pages, %d at once", len(pages), len(entries))
	}
	return out
}

// paged reads the due index in pages.
func paged(t *testing.T, s *Store) (all []storage.Due) {
	t.Helper()
	const page = 7
	after := storage.Due{}
	for range treeRecords {
		entries, err := s.Due(t.Context(), treeBucket, treeDue(treeRecords), after, page)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			t.Error(err)
		}
		all = append(all, entries...)
		if len(entries) < page {
			return all
		}
		after = entries[len(entries)-1]
	}
	t.Error("reading the due index in pages does not end")
	return all
}

func before(a, b storage.Due) bool {
	return string(dueKey(a.At, a.Key.ID)) < string(dueKey(b.At, b.Key.ID))
}

// number returns which record has an id, -1 if none has.
func number(id string) int {
	i, err := strconv.Atoi(id[:min(4, len(id))])
	if err != nil {
		return -1
	}
	return i
}
