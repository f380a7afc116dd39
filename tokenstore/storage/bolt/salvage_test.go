package bolt_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// used is a file that was in use: records were changed and deleted, and older copies of
// them are in pages that are free.
type used struct {
	whole   []byte
	records map[string]storage.Record // as they are now
	where   map[string][]spot         // of these
	past    map[string]bool           // every value that was ever put, with its id
	earlier [][]byte                  // states of the file before
}

func usedValue(id string, version int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%s v%d|", id, version), 12)
}

// newUsed makes it once, since it waits for the disk a thousand times. Nobody may change it.
var usedOnce struct {
	sync.Once
	used
}

func newUsed(t *testing.T) used {
	t.Helper()
	usedOnce.Do(func() { usedOnce.used = makeUsed(t) })
	if usedOnce.whole == nil {
		t.Fatal("it could not be made")
	}
	return usedOnce.used
}

func makeUsed(t *testing.T) used {
	t.Helper()
	path := newPath(t)
	u := used{records: map[string]storage.Record{}, past: map[string]bool{}}
	s := mustOpen(t, path)
	r := rand.New(rand.NewPCG(1, 2))
	write := func(i, version int) {
		id := corruptID(i)
		record := u.records[id]
		record.Key, record.Value = storage.Key{Bucket: "b", ID: id}, usedValue(id, version)
		record.Due = time.Unix(int64(1000*i+version), 0).UTC()
		u.records[id] = put(t, s, record)
		u.past[id+string(record.Value)] = true
	}
	for i := range corruptRecords {
		write(i, 0)
	}
	put(t, s, storage.Record{Key: storage.Key{Bucket: "small", ID: "inline"}, Value: []byte("of a bucket within a page")})
	for version := range 400 {
		if version%10 == 0 {
			u.earlier = append(u.earlier, readFile(t, path))
		}
		i := r.IntN(corruptRecords)
		if record, ok := u.records[corruptID(i)]; ok && version%10 == 9 {
			must(t, s.Delete(t.Context(), record.Key, record.Revision))
			delete(u.records, corruptID(i))
			continue
		}
		write(i, 1+version)
	}
	must(t, s.Close())
	u.whole = readFile(t, path)
	u.where = map[string][]spot{}
	for id, record := range u.records {
		u.where[id] = u.spots(record)
	}
	return u
}

// spot is where a record is in the file, and the table that tells where in its page it is.
type spot struct{ from, to, table, tableEnd int }

// spots finds every copy of a record's last state, those in free pages too.
func (u used) spots(record storage.Record) (spots []spot) {
	for at := 0; ; {
		n := bytes.Index(u.whole[at:], record.Value)
		if n < 0 {
			return spots
		}
		at += n
		page := at / pageSize * pageSize
		count := int(u.whole[page+10]) | int(u.whole[page+11])<<8
		spots = append(spots, spot{at - 24 - len(record.Key.ID), at + len(record.Value), page + 16, page + 16 + 16*count})
		at += len(record.Value)
	}
}

// untouched returns the ids of the records of which no byte that matters is another one than before.
func (u used) untouched(damaged []byte) (ids []string) {
	for id, spots := range u.where {
		whole := true
		for _, s := range spots {
			whole = whole && same(u.whole, damaged, s.from, s.to) && same(u.whole, damaged, s.table, s.tableEnd)
		}
		if whole {
			ids = append(ids, id)
		}
	}
	return ids
}

func same(a, b []byte, from, to int) bool {
	return to <= len(b) && bytes.Equal(a[from:to], b[from:to])
}

func TestSalvageOfASoundFileIsAllOfIt(t *testing.T) {
	u := newUsed(t)
	path := newPath(t)
	must(t, os.WriteFile(path, u.whole, 0o600))
	got, err := bolt.Salvage(t.Context(), path, bolt.Options{})
	must(t, err)
	if len(got.Lost) > 0 || got.Pages > 0 || got.Older {
		t.Errorf("lost %v, %d pages, older %t", got.Lost, got.Pages, got.Older)
	}
	built := newPath(t)
	must(t, os.WriteFile(built, nil, 0o600))
	must(t, bolt.Build(built, got.Records))
	s := mustOpen(t, built)
	list, err := s.List(t.Context(), "b", "", "", 2*corruptRecords)
	must(t, err)
	for _, r := range list {
		if diff := cmp.Diff(u.records[r.Key.ID], r); diff != "" {
			t.Error(diff)
		}
	}
	due, err := s.Due(t.Context(), "b", time.Now(), storage.Due{}, 2*corruptRecords)
	must(t, err)
	if len(list) != len(u.records) || len(due) != len(list) {
		t.Errorf("%d records and %d due, want %d", len(list), len(due), len(u.records))
	}
	if r, err := s.Get(t.Context(), storage.Key{Bucket: "small", ID: "inline"}); err != nil || string(r.Value) != "of a bucket within a page" {
		t.Errorf("%q, %v", r.Value, err)
	}
	// Revisions go on where they were.
	last := list[0]
	for _, r := range list {
		if r.Revision > last.Revision {
			last = r
		}
	}
	if next := put(t, s, storage.Record{Key: storage.Key{Bucket: "b", ID: "new"}}); next.Revision <= last.Revision {
		t.Errorf("revision %d comes after %d", next.Revision, last.Revision)
	}
}

// TestSalvageTakesAllThatIsSoundAndNothingElse damages a file in many ways.
func TestSalvageTakesAllThatIsSoundAndNothingElse(t *testing.T) {
	each := soaktest.Times(130, 2000) // of ten kinds
	u := newUsed(t)
	files, older, lost := 0, 0, 0
	for _, d := range slices.Concat(damages, u.damages()) {
		for seed := range uint64(each) {
			name := fmt.Sprintf("%s %d", d.name, seed)
			damaged := d.do(rand.New(rand.NewPCG(seed, uint64(len(d.name))+100)), bytes.Clone(u.whole))
			got := bolt.SalvageBytes(damaged, "b", "small")
			files++
			if got.Older {
				older++
			}
			lost += u.check(t, name, got, damaged)
		}
	}
	t.Logf("%d files; %d records lost in all, the state of %d may be older than the last", files, lost, older)
	if lost == 0 || older == 0 || older > files/2 {
		t.Error("the damage is not what it should be")
	}
}

func (u used) check(t *testing.T, name string, got *bolt.Salvaged, damaged []byte) (lost int) {
	t.Helper()
	saved := map[string]bool{}
	for _, r := range got.Records {
		if r.Key.Bucket != "b" {
			continue
		}
		now, there := u.records[r.Key.ID]
		current := there && bytes.Equal(r.Value, now.Value)
		saved[r.Key.ID] = current
		if !current && (!got.Older || !u.past[r.Key.ID+string(r.Value)]) {
			t.Errorf("%s: %q has a value that is not the last one: %.40q", name, r.Key.ID, r.Value)
		}
	}
	for _, id := range u.untouched(damaged) {
		if !saved[id] {
			t.Errorf("%s: %q is untouched, and was not saved", name, id)
		}
	}
	lost = len(u.records)
	for _, current := range saved {
		if current {
			lost--
		}
	}
	if lost > 0 && len(got.Lost) == 0 && got.Pages == 0 && !got.Older {
		t.Errorf("%s: %d records are lost, and that is not told", name, lost)
	}
	for _, key := range got.Lost {
		if saved[key.ID] && key.Bucket == "b" {
			t.Errorf("%s: %v is both saved and lost", name, key)
		}
	}
	return lost
}

func TestSalvageRefusesAFileThatIsOpen(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	if _, err := bolt.Salvage(t.Context(), path, bolt.Options{LockTimeout: 1}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	must(t, s.Close())
	if _, err := bolt.Salvage(t.Context(), filepath.Join(t.TempDir(), "missing"), bolt.Options{}); err == nil {
		t.Error("a file that is not there: no error")
	}
}
