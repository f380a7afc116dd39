package bolt

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Pages are left as they were in their places before many changes, as a disk does that drops the write. A record that was changed since is
// in doubt, if it is found; but what has it may just fit.
func TestWhatAPageOfBeforeLeadsToIsInDoubt(t *testing.T) {
	d := newTree3(t)
	now := map[int]uint64{}
	s := d.open(t, func([]byte) {})
	for i, r := range look(t, s).sound {
		if now[i] = r.Revision; r.Doubtful {
			t.Errorf("record %d is in doubt in a whole file", i)
		}
	}
	above := append(d.pagesAbove(t, s), d.meta.root)
	branches := slices.Concat(above, []uint64{d.records.root, d.due.root}, d.records.middle)
	files, seen := 0, doubts{}
	for _, id := range slices.Concat(branches, d.records.leaves[d.records.middle[0]]) {
		at := int(id) * d.each
		if at+d.each > len(d.earlier) || bytes.Equal(d.page(d.earlier, id), d.page(d.whole, id)) {
			continue
		}
		b := bytes.Clone(d.whole)
		copy(d.page(b, id), d.page(d.earlier, id))
		path := filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(path, b, 0o600))
		if seen.look(t, path, now) {
			files++
		} else if !slices.Contains(above, id) {
			t.Errorf("page %d: it does not open", id)
		}
		if seen.fitting > 0 && d.page(b, id).flags() != leafFlag {
			t.Errorf("page %d: what a branch leads to is of before, without doubt", id)
		}
		seen.all, seen.fitting = seen.all+seen.fitting, 0
	}
	t.Logf("%d files; %d times a record of before was found that is in doubt, %d times one in a page that fits; %d times one of now without doubt", files, seen.doubtful, seen.all, seen.now)
	if files < 10 || seen.now < treeRecords {
		t.Error("too little was tried")
	}

	seen = doubts{}
	before, path := filepath.Join(t.TempDir(), "before.db"), filepath.Join(t.TempDir(), "tokens.db")
	must(t, errors.Join(os.WriteFile(before, d.whole, 0o600), os.WriteFile(path, d.whole, 0o600)))
	s, err := Open(path, Options{})
	must(t, err)
	r, err := s.Get(t.Context(), treeRecord(0).Key)
	must(t, err)
	now[0], err = s.Put(t.Context(), r)
	must(t, errors.Join(err, s.Close()))
	must(t, damagedpage.StaleBranch(path, before, treeBucket, treeID(0)))
	if !seen.look(t, path, now) || seen.doubtful == 0 || seen.fitting > 0 {
		t.Errorf("below a root of before, in its place: %+v", seen)
	}
	t.Logf("below a root of before, in its place: %+v", seen)
}

// doubts counts records that were found.
type doubts struct{ now, doubtful, fitting, all int }

// look lists the records of a file, and reads some. It returns false if the file does not open.
func (d *doubts) look(t *testing.T, path string, now map[int]uint64) (opened bool) {
	t.Helper()
	s, err := Open(path, Options{})
	if errors.Is(err, storage.ErrDamaged) {
		return false
	}
	must(t, err)
	list, err := s.List(t.Context(), treeBucket, "", "", 2*treeRecords)
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		t.Error(err)
	}
	for n, r := range list {
		i := number(r.Key.ID)
		switch {
		case r.Value == nil:
		case r.Revision == now[i] && !r.Doubtful:
			d.now++
		case r.Revision != now[i] && r.Doubtful:
			d.doubtful++
		case r.Revision != now[i]:
			d.fitting++
		}
		if n%20 > 0 {
			continue
		}
		if got, err := s.Get(t.Context(), r.Key); err == nil && got.Revision == r.Revision && got.Doubtful != r.Doubtful {
			t.Errorf("record %d is in doubt: %t in the list, else %t", i, r.Doubtful, got.Doubtful)
		}
	}
	must(t, s.Close())
	return true
}

// pagesAbove returns the roots of the trees of buckets.
func (d tree3) pagesAbove(t *testing.T, s *Store) (ids []uint64) {
	t.Helper()
	must(t, s.view(t.Context(), func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{recordsBucket, dueBucket} {
			b, err := mapped(tx).topBucket(name)
			if err != nil {
				return err
			}
			ids = append(ids, b.root)
		}
		return nil
	}))
	return ids
}

// A zeroed page is on the way to its own records only.
func TestWhatIsBesideADamagedLeafIsNotInDoubt(t *testing.T) {
	d := newTree3(t)
	leaf := d.records.leaves[d.records.middle[1]][2]
	s := d.open(t, func(b []byte) { clear(d.page(b, leaf)) })
	list, err := s.List(t.Context(), treeBucket, "", "", 2*treeRecords)
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("List returned %v", err)
	}
	for _, r := range list {
		if got, err := s.Get(t.Context(), r.Key); err != nil || got.Doubtful || r.Doubtful {
			t.Errorf("record %d is in doubt: %t, %t, %v", number(r.Key.ID), r.Doubtful, got.Doubtful, err)
		}
	}
	t.Logf("%d of %d records, none in doubt", len(list), treeRecords)
	if len(list) < treeRecords-100 || len(list) == treeRecords {
		t.Error("these are not all but those of a leaf")
	}
}

func TestNothingIsInDoubtWhileOthersWrite(t *testing.T) {
	s := openNew(t, Options{})
	const writers, rounds = 8, 60
	var done atomic.Bool
	var reads atomic.Int64
	read := make(chan error, 1)
	go func() {
		r := rand.New(rand.NewPCG(1, 2))
		for !done.Load() {
			list, err := s.List(t.Context(), treeBucket, "", "", treeRecords)
			if err != nil {
				read <- err
				return
			}
			if len(list) > 0 {
				one, err := s.Get(t.Context(), list[r.IntN(len(list))].Key)
				if err == nil {
					list = append(list, one)
				}
			}
			for _, one := range list {
				if one.Doubtful {
					t.Errorf("record %d is in doubt", number(one.Key.ID))
				}
			}
			reads.Add(int64(len(list)))
		}
		read <- nil
	}()
	inParallel(writers, func(w int) error {
		for i := range rounds {
			record := treeRecord(w*rounds + i)
			revision, err := s.Put(t.Context(), record)
			if err == nil && i%3 == 0 {
				err = s.Delete(t.Context(), record.Key, revision)
			}
			if err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	done.Store(true)
	must(t, <-read)
	t.Logf("%d records were read while %d were written", reads.Load(), writers*rounds)
	if reads.Load() == 0 {
		t.Error("none was read")
	}
}

func TestATransactionNoticesThatItsMetaPageIsGone(t *testing.T) {
	s := openNew(t, Options{})
	large := treeRecord(0)
	large.Value = make([]byte, 1<<20) // so that no write below has to map the file again, which would wait for the transaction
	revision, err := s.Put(t.Context(), large)
	must(t, err)
	must(t, s.Delete(t.Context(), large.Key, revision))
	writes := 0
	must(t, s.view(t.Context(), func(tx *bbolt.Tx) error {
		m, id := mapped(tx), uint64(tx.ID())
		for _, there := range []bool{true, true, false} {
			if found, ok := m.meta(id); ok != there || ok && found.txid != id {
				t.Errorf("after %d writes: %+v, %t", writes, found, ok)
			}
			writes++
			if _, err := s.Put(t.Context(), treeRecord(writes)); err != nil {
				return err
			}
		}
		return nil
	}))
	t.Logf("%d writes", writes)
}
