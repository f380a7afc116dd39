package bolt

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Bits of times are flipped in the first leaf, in some in the middle and in the last one, and in branches above.
func TestAFlippedBitInTheDueIndexHidesOneEntryAtMost(t *testing.T) {
	d := newTree3(t)
	last := d.due.middle[len(d.due.middle)-1]
	leaves := []uint64{
		d.due.leaves[d.due.middle[0]][0], d.due.leaves[d.due.middle[1]][0], d.due.leaves[d.due.middle[1]][3],
		d.due.leaves[last][len(d.due.leaves[last])-1],
	}
	s := d.open(t, func([]byte) {})
	want := look(t, s).due
	if len(want) != treeRecords {
		t.Fatalf("%d entries", len(want))
	}
	var m mapping // a copy, in which bits are flipped as a disk may do it
	var index bucket
	must(t, s.view(t.Context(), func(tx *bbolt.Tx) (err error) {
		m = mapped(tx)
		m.data = slices.Clone(m.data)
		index, err = m.nested(dueBucket, treeBucket)
		return err
	}))
	flips, hidden := 0, 0
	for _, id := range slices.Concat(leaves, d.due.middle[1:2], []uint64{d.due.root}) {
		p, err := m.page(id)
		must(t, err)
		for i := range p.count() {
			key, _ := p.key(i)
			isLast := id == leaves[3] && i == p.count()-1
			for bit := i % 7; bit < 8*dueLen; bit += 7 {
				key[bit/8] ^= 1 << (bit % 8)
				missing, err := entriesMissing(t, m, index, want)
				key[bit/8] ^= 1 << (bit % 8)
				flips++
				hidden += len(missing)
				switch {
				case len(missing) > 1 || len(missing) == 1 && (p.flags() == branchFlag || missing[0] != number(string(key[dueLen:]))):
					t.Errorf("page %d, entry %d, bit %d: hides the entries of the records %v", id, i, bit, missing)
				case len(missing) == 1 && !isLast && !errors.Is(err, storage.ErrDamaged):
					t.Errorf("page %d, entry %d, bit %d: an entry is missing, and the error is %v", id, i, bit, err)
				}
			}
		}
	}
	t.Logf("%d flipped bits, of which %d hide their entry", flips, hidden)
}

// entriesMissing returns which of the wanted entries the index does not give.
func entriesMissing(t *testing.T, m mapping, index bucket, want []int) (missing []int, err error) {
	t.Helper()
	scan := dueScan{bucket: treeBucket, before: treeDue(treeRecords), limit: 2 * treeRecords}
	err = scan.run(m, index)
	there := map[int]bool{}
	for n, e := range scan.entries {
		if n > 0 && !before(scan.entries[n-1], e) {
			t.Errorf("entry %d is out of order", n)
		}
		there[number(e.Key.ID)] = true
	}
	for _, i := range want {
		if !there[i] {
			missing = append(missing, i)
		}
	}
	return missing, err
}

func TestAnEntryWithAnImpossibleTimeIsPassedOver(t *testing.T) {
	s := openNew(t, Options{})
	for i, id := range []string{"a", "b", "c", "d"} {
		r := named(id)
		r.Due = time.Unix(int64(i), 0)
		_, err := s.Put(t.Context(), r)
		must(t, err)
	}
	_, err := s.write(t.Context(), named("b").Key, 0, func(tx *writing) (uint64, error) {
		b := tx.Bucket(dueBucket).Bucket([]byte("b"))
		bad := dueKey(time.Unix(1, 0), "late")
		bad[8] = 0xff // nanoseconds
		return 1, errors.Join(b.Put(bad, nil), b.Put([]byte("\x80short"), nil), b.Put(dueKey(time.Unix(2, 0), "valued"), []byte("x")))
	})
	must(t, err)
	after := storage.Due{}
	for _, want := range []string{"a", "b", "c", "d"} {
		due, err := s.Due(t.Context(), "b", time.Unix(10, 0), after, 1)
		if len(due) != 1 || due[0].Key.ID != want || err != nil && !errors.Is(err, storage.ErrDamaged) {
			t.Fatalf("behind %q: got %v and %v, want %q", after.Key.ID, due, err, want)
		}
		after = due[0]
	}
	due, err := s.Due(t.Context(), "b", time.Unix(10, 0), storage.Due{}, 10)
	if len(due) != 4 || !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got %v and %v, want four entries and ErrDamaged", due, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
