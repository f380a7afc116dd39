package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// bbolt frees as many pages as the head of a page says.
func TestAPageOfAWrongLengthIsNotWrittenAndHidesNothing(t *testing.T) {
	d := newTree3(t)
	longer := func(by uint32) func(b []byte, id uint64) {
		return func(b []byte, id uint64) { order.PutUint32(d.page(b, id)[12:], d.page(b, id).overflow()+by) }
	}
	for _, tt := range []struct {
		name string
		id   uint64
		do   func(b []byte, id uint64)
	}{
		{"a leaf is longer by a page", d.records.leaves[d.records.middle[1]][2], longer(1)},
		{"a leaf is longer by many", d.records.leaves[d.records.middle[1]][2], longer(100)},
		{"a branch is longer by a page", d.records.middle[1], longer(1)},
		{"a root is longer by many", d.records.root, longer(50)},
		{"a leaf goes on behind the end", d.records.leaves[d.records.middle[1]][2], longer(1 << 31)},
		{"a leaf of the index is longer by a page", d.due.leaves[d.due.middle[1]][2], longer(1)},
		{"a leaf is shorter than what is in it", d.long(t), longer(1<<32 - 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := d.open(t, func(b []byte) { tt.do(b, tt.id) })
			handle := s.file.current
			got := look(t, s)
			if len(got.damaged) > 20 { // of one leaf
				t.Errorf("%d records are damaged", len(got.damaged))
			}
			refused := 0
			for i, err := range inParallel(treeRecords, func(i int) error {
				r, ok := got.sound[i]
				switch {
				case !ok:
					r = treeRecord(i)
				case i%3 > 0:
					return nil
				}
				r.Due = r.Due.Add(time.Second)
				_, err := s.Put(t.Context(), r)
				return err
			}) {
				if err != nil {
					refused++
					wantDamaged(t, "Put", i, err)
				}
			}
			if refused == 0 || s.file.current != handle {
				t.Errorf("%d writes were refused, and the file was opened again: %v", refused, s.file.cause)
			}
			if after := look(t, s); len(after.sound) != len(got.sound) {
				t.Errorf("%d records of %d after the writes", len(after.sound), len(got.sound))
			}
		})
	}
}

// long returns a leaf that has more than one page.
func (d tree3) long(t *testing.T) uint64 {
	t.Helper()
	for _, leaves := range d.records.leaves {
		for _, id := range leaves {
			if d.page(d.whole, id).overflow() > 0 {
				return id
			}
		}
	}
	t.Fatal("there is none")
	return 0
}

// A page from which much is deleted is merged with the one beside it.
func TestADeleteBesideADamagedPageFailsAndAPutDoesNot(t *testing.T) {
	d := newTree3(t)
	leaves := d.records.leaves[d.records.middle[1]]
	for _, beside := range []int{1, 3} {
		s := d.open(t, func(b []byte) { clear(d.page(b, leaves[beside])) })
		handle := s.file.current
		key, _ := d.page(d.whole, leaves[2]).key(0)
		r, err := s.Get(t.Context(), storage.Key{Bucket: treeBucket, ID: string(key)})
		must(t, err)
		if r.Revision, err = s.Put(t.Context(), r); err != nil {
			t.Errorf("Put: %v", err)
		}
		wantDamaged(t, "Delete", number(r.Key.ID), s.Delete(t.Context(), r.Key, r.Revision))
		if s.file.current != handle {
			t.Errorf("the file was opened again: %v", s.file.cause)
		}
	}
}

// ruin damages a page in one of many ways.
func (d tree3) ruin(r *rand.Rand, b []byte) {
	id := uint64(r.IntN(len(b) / d.each))
	if r.IntN(2) == 0 {
		id = d.inUse[r.IntN(len(d.inUse))]
	}
	p, other := d.page(b, id), d.page(b, d.inUse[r.IntN(len(d.inUse))])
	switch r.IntN(9) {
	case 0:
		p[r.IntN(len(p))] ^= 1 << r.IntN(8)
	case 1:
		p[r.IntN(pageHeaderLen)] ^= 1 << r.IntN(8)
	case 2:
		p[pageHeaderLen+r.IntN(10*elementLen)] ^= 1 << r.IntN(8)
	case 3:
		clear(p)
	case 4:
		clear(p[512*r.IntN(len(p)/512):][:512])
	case 5:
		copy(p, other)
	case 6: // as if it had been written there
		copy(p, other)
		order.PutUint64(p, id)
	case 7: // one element leads to another page
		at := pageHeaderLen + elementLen*r.IntN(max(1, min(p.count(), 100)))
		order.PutUint64(p[at+8:], other.id())
	case 8:
		if at := int(id) * d.each; at+d.each <= len(d.earlier) {
			copy(p, d.earlier[at:at+d.each])
		}
	}
}

// TestWritesToADamagedFileHarmNothingElse damages a file at random. What can be read at first, and is not written
// to, can be read after many writes, and when the file was opened again. A write that is not done is refused as damage.
func TestWritesToADamagedFileHarmNothingElse(t *testing.T) {
	bounded(t)
	d := newTree3(t)
	files, refused, done, reopened, unopened := soaktest.Times(80, 3000), 0, 0, 0, 0
	for n := range files {
		r := rand.New(rand.NewPCG(7, uint64(n)))
		b := bytes.Clone(d.whole)
		d.ruin(r, b)
		path := t.TempDir() + "/tokens.db"
		must(t, os.WriteFile(path, b, 0o600))
		s, err := Open(path, Options{})
		if err != nil {
			wantDamaged(t, fmt.Sprintf("file %d: Open", n), 0, err)
			unopened++
			continue
		}
		first := s.file.current
		sound := readable(t, s)
		outcomes := inParallel(treeRecords, func(i int) error {
			old, ok := sound[i]
			switch {
			case !ok || (i+n)%7 > 2:
				return errUntouched
			case (i+n)%7 == 0:
				return s.Delete(t.Context(), old.Key, old.Revision)
			}
			old.Due = old.Due.Add(time.Duration(i%2) * time.Hour)
			_, err := s.Put(t.Context(), old)
			return err
		})
		for i, err := range outcomes {
			switch {
			case errors.Is(err, errUntouched):
			case err == nil && (i+n)%7 == 0:
				delete(sound, i)
				done++
			case err == nil:
				done++
			case errors.Is(err, storage.ErrDamaged):
				refused++
			case !errors.Is(err, storage.ErrUnavailable): // see below
				t.Errorf("file %d: write of record %d: %v", n, i, err)
			}
		}
		if s.file.current != first {
			reopened++
			t.Logf("file %d was opened again: %v", n, s.file.cause)
		}
		for _, again := range []bool{false, true} {
			if again {
				must(t, s.Close())
				s, err = Open(path, Options{})
				must(t, err)
			}
			for i := range sound {
				if r, err := healed(t, s, i); err != nil || !bytes.Equal(r.Value, treeValue(i)) {
					t.Errorf("file %d, opened again %t: record %d: %v", n, again, i, err)
				}
			}
		}
		must(t, s.Close())
	}
	t.Logf("%d files, of which %d did not open and %d were opened again: %d writes were done, %d refused",
		files, unopened, reopened, done, refused)
}

var errUntouched = errors.New("not written to")

func readable(t *testing.T, s *Store) map[int]storage.Record {
	t.Helper()
	sound := map[int]storage.Record{}
	for i := range treeRecords {
		r, err := s.Get(t.Context(), treeRecord(i).Key)
		switch {
		case err == nil && !bytes.Equal(r.Value, treeValue(i)):
			t.Errorf("record %d has a wrong value", i)
		case err == nil:
			sound[i] = r
		}
	}
	return sound
}

// healed reads a record. A failed commit makes the store open the file again, which may take a second.
func healed(t *testing.T, s *Store, i int) (r storage.Record, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		r, err = s.Get(ctx, treeRecord(i).Key)
		if !errors.Is(err, storage.ErrUnavailable) {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
