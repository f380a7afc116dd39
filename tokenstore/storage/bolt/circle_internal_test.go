package bolt

import (
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// misleading are ways in which a page can lead to a wrong one. Each damages what is below one child of a branch, or the branch.
var misleading = []struct {
	name string
	do   func(d tree3, b []byte, s, other shape, child int)
}{
	{"a branch leads to itself", func(d tree3, b []byte, s, _ shape, child int) { d.lead(b, s.middle[1], child, s.middle[1]) }},
	{"a branch leads to the one above it", func(d tree3, b []byte, s, _ shape, child int) { d.lead(b, s.middle[1], child, s.root) }},
	{"a branch leads to one beside it", func(d tree3, b []byte, s, _ shape, child int) { d.lead(b, s.middle[1], child, s.middle[2]) }},
	{"two branches lead to each other", func(d tree3, b []byte, s, _ shape, child int) {
		d.lead(b, s.middle[1], child, s.middle[2])
		d.lead(b, s.middle[2], child, s.middle[1])
	}},
	{"a branch leads to a page of another bucket", func(d tree3, b []byte, s, other shape, child int) {
		d.lead(b, s.middle[1], child, other.leaves[other.middle[0]][0])
	}},
	{"a branch leads into the middle of another bucket", func(d tree3, b []byte, s, other shape, child int) {
		d.lead(b, s.middle[1], child, other.root)
	}},
	{"a branch leads to a page of its own again", func(d tree3, b []byte, s, _ shape, child int) {
		d.lead(b, s.middle[1], child, s.leaves[s.middle[1]][2])
	}},
	{"a branch leads to the list of free pages", func(d tree3, b []byte, s, _ shape, child int) {
		d.lead(b, s.middle[1], child, d.meta.freelist)
	}},
	{"a branch leads out of the file", func(d tree3, b []byte, s, _ shape, child int) { d.lead(b, s.middle[1], child, d.meta.highWater+5) }},
	{"a branch leads to the begin of the file", func(d tree3, b []byte, s, _ shape, child int) { d.lead(b, s.middle[1], child, 0) }},
	{"a page of before is in the place of a branch", func(d tree3, b []byte, s, _ shape, _ int) {
		copy(d.page(b, s.middle[1]), d.page(b, s.middle[2]))
		order.PutUint64(d.page(b, s.middle[1]), s.middle[1])
	}},
	{"a page of before leads to the one above it", func(d tree3, b []byte, s, _ shape, child int) {
		copy(d.page(b, s.leaves[s.middle[1]][child]), d.page(b, s.root))
		order.PutUint64(d.page(b, s.leaves[s.middle[1]][child]), s.leaves[s.middle[1]][child])
	}},
}

// bounded makes a recursion without end quick to notice. It ends the process, as it would with any bound.
func bounded(t *testing.T) {
	before := debug.SetMaxStack(8 << 20)
	t.Cleanup(func() { debug.SetMaxStack(before) })
}

func TestPagesThatLeadElsewhereAreDamageAndHideNothingElse(t *testing.T) {
	bounded(t)
	d := newTree3(t)
	below := treeRecords / len(d.records.middle) // about, of one branch
	for _, m := range misleading {
		for _, child := range []int{0, 1} {
			t.Run(m.name, func(t *testing.T) {
				s := d.open(t, func(b []byte) { m.do(d, b, d.records, d.due, child) })
				handle := s.file.current
				got := look(t, s)
				if len(got.damaged) == 0 || len(got.damaged) > 4*below {
					t.Errorf("%d records are damaged, and %d are below a branch", len(got.damaged), below)
				}
				if !errors.Is(got.listErr, storage.ErrDamaged) || got.listed < len(got.sound) {
					t.Errorf("listed %d records of %d that are sound: %v", got.listed, len(got.sound), got.listErr)
				}
				if got.dueErr != nil || len(got.due) != treeRecords {
					t.Errorf("%d entries are due: %v", len(got.due), got.dueErr)
				}
				writeAround(t, s, got)
				if s.file.current != handle {
					t.Errorf("the file was opened again: %v", s.file.cause)
				}
			})
		}
	}
}

// writeAround puts and deletes everywhere. What is damaged refuses it, what is not stays as it is.
func writeAround(t *testing.T, s *Store, got sight) {
	t.Helper()
	errs := inParallel(treeRecords, func(i int) error {
		r, ok := got.sound[i]
		switch {
		case !ok:
			_, err := s.Put(t.Context(), treeRecord(i))
			wantDamaged(t, "Put", i, err)
			err = s.Delete(t.Context(), treeRecord(i).Key, 1)
			wantDamaged(t, "Delete", i, err)
			return err
		case i%9 == 0:
			return s.Delete(t.Context(), r.Key, r.Revision)
		case i%9 < 3:
			r.Due = r.Due.Add(time.Duration(i%2) * time.Second)
			_, err := s.Put(t.Context(), r)
			return err
		default:
			return nil
		}
	})
	refused := 0
	for i, err := range errs {
		if _, ok := got.sound[i]; ok && err != nil {
			refused++
			wantDamaged(t, "write", i, err)
		}
		if err == nil && i%9 == 0 {
			delete(got.sound, i)
		}
	}
	if refused > treeRecords/9 {
		t.Errorf("%d writes of about %d were refused", refused, treeRecords/3)
	}
	for i := range got.sound {
		if r, err := s.Get(t.Context(), treeRecord(i).Key); err != nil || string(r.Value) != string(treeValue(i)) {
			t.Errorf("record %d after the writes: %v", i, err)
		}
	}
}

// inParallel does something so often, so that commits are shared, and returns what came of each.
func inParallel(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errs
}

func wantDamaged(t *testing.T, what string, i int, err error) {
	t.Helper()
	if !errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("%s of record %d: got error %v, want ErrDamaged", what, i, err)
	}
}

func TestADamagedDueIndexHidesNoSoundEntryAndNoRecord(t *testing.T) {
	bounded(t)
	d := newTree3(t)
	below := treeRecords / len(d.due.middle)
	for _, m := range misleading {
		for _, child := range []int{0, 1} {
			t.Run(m.name, func(t *testing.T) {
				s := d.open(t, func(b []byte) { m.do(d, b, d.due, d.records, child) })
				handle := s.file.current
				got := look(t, s)
				if len(got.damaged) > 0 || got.listErr != nil || got.listed != treeRecords {
					t.Errorf("%d records are damaged, %d listed: %v", len(got.damaged), got.listed, got.listErr)
				}
				if missing := treeRecords - len(got.due); !errors.Is(got.dueErr, storage.ErrDamaged) || missing == 0 || missing > 4*below {
					t.Errorf("%d entries are missing, and %d are below a branch: %v", missing, below, got.dueErr)
				}
				writeBeside(t, s, got, below)
				if s.file.current != handle {
					t.Errorf("the file was opened again: %v", s.file.cause)
				}
			})
		}
	}
}

// writeBeside puts every record with the time that it has, and one of four with another.
func writeBeside(t *testing.T, s *Store, got sight, below int) {
	t.Helper()
	var refused atomic.Int64
	inParallel(treeRecords, func(i int) (err error) {
		r := got.sound[i]
		if r.Revision, err = s.Put(t.Context(), r); err != nil {
			t.Errorf("put of record %d, with the same due time: %v", i, err)
			return nil
		}
		if i%4 > 0 {
			return nil
		}
		r.Due = r.Due.Add(time.Second)
		if _, err := s.Put(t.Context(), r); err != nil {
			refused.Add(1)
			wantDamaged(t, "Put", i, err)
			if !errors.Is(err, storage.ErrDueIndex) {
				t.Errorf("move of record %d: %v", i, err)
			}
		}
		return nil
	})
	if n := refused.Load(); n == 0 || n > int64(below) {
		t.Errorf("%d of %d entries could not be moved", n, treeRecords/4)
	}
	after := look(t, s)
	if len(after.damaged) > 0 || !slices.Equal(after.due, got.due) {
		t.Errorf("after the writes %d records are damaged, and %d entries are due of %d", len(after.damaged), len(after.due), len(got.due))
	}
}
