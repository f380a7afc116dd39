package bolt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// marked is one bit: bbolt says that an element is not there if it is marked as a bucket, and does not write to it.
func (p page) marked(i int) { p[pageHeaderLen+i*elementLen] ^= bucketFlag }

func TestAnElementThatIsMarkedAsABucketIsRefusedAsDamageAndNothingElseIs(t *testing.T) {
	d := newTree3(t)
	for _, due := range []bool{false, true} {
		leaf, skip := d.records.leaves[d.records.middle[1]][2], 0
		if due {
			leaf, skip = d.due.leaves[d.due.middle[1]][2], dueLen
		}
		p := page(d.whole[int(leaf)*d.each:])
		refused, done, told := 0, 0, 0
		for marked := range p.count() {
			s := d.open(t, func(b []byte) { d.page(b, leaf).marked(marked) })
			handle := s.file.current
			sound := readable(t, s)
			if len(sound) != treeRecords {
				t.Errorf("%d of %d records can be read", len(sound), treeRecords)
			}
			for i := range p.count() {
				key, _ := p.key(i)
				r := sound[number(string(key[skip:]))]
				told += wantTold(t, s, r, i == marked && !due)
				refused += wantRefused(t, s, r, i == marked, due)
				if i != marked {
					delete(sound, number(r.Key.ID))
					done++
				}
			}
			if after := readable(t, s); len(after) != len(sound) {
				t.Errorf("%d records of %d can be read after the writes", len(after), len(sound))
			}
			if s.file.current != handle {
				t.Errorf("the file was opened again: %v", s.file.cause)
			}
		}
		if refused == 0 || done == 0 || due == (told > 0) {
			t.Errorf("%d writes were refused, %d done, and %d told before", refused, done, told)
		}
		t.Logf("due %t: %d writes were refused, which Get and List told of %d records, and %d records moved and deleted", due, refused, told, done)
	}
}

// wantTold reads a record in both ways, and returns 1 if both tell that it cannot be written.
func wantTold(t *testing.T, s *Store, r storage.Record, unwritable bool) int {
	t.Helper()
	got, err := s.Get(t.Context(), r.Key)
	must(t, err)
	list, err := s.List(t.Context(), r.Key.Bucket, r.Key.ID, "", 1)
	if err != nil || len(list) != 1 || got.Unwritable != unwritable || list[0].Unwritable != unwritable {
		t.Errorf("record %d is told as unwritable: %t by Get, %+v by List, %v; want %t", number(r.Key.ID), got.Unwritable, list, err, unwritable)
	}
	if unwritable {
		return 1
	}
	return 0
}

// wantRefused puts a record as it is, puts it with another due time and deletes it, and returns how much of it was refused. If only
// its entry of the due index is marked, the first of these is done.
func wantRefused(t *testing.T, s *Store, r storage.Record, marked, due bool) (refused int) {
	t.Helper()
	check := func(what string, err error, damaged bool) {
		t.Helper()
		switch {
		case !damaged && err != nil:
			t.Errorf("%s of record %d: %v", what, number(r.Key.ID), err)
		case damaged:
			refused++
			wantDamaged(t, what, number(r.Key.ID), err)
			if errors.Is(err, storage.ErrDueIndex) != due {
				t.Errorf("%s of record %d: %v; the due index is damaged: %t", what, number(r.Key.ID), err, due)
			}
		}
	}
	put := func(what string, damaged bool) {
		t.Helper()
		revision, err := s.Put(t.Context(), r)
		check(what, err, damaged)
		if err == nil {
			r.Revision = revision
		}
	}
	put("Put", marked && !due)
	before := r.Due
	r.Due = before.Add(time.Second)
	put("Put with another time", marked)
	r.Due = before
	check("Delete", s.Delete(t.Context(), r.Key, r.Revision), marked)
	return refused
}

// A time that another record had before can be marked.
func TestAnEntryIsNotPutOverOneThatIsMarkedAsABucket(t *testing.T) {
	d := newTree3(t)
	leaf := d.due.leaves[d.due.middle[1]][2]
	key, _ := page(d.whole[int(leaf)*d.each:]).key(1)
	s := d.open(t, func(b []byte) {
		d.page(b, leaf).marked(1)
		key, _ := page(b[int(leaf)*d.each:]).key(1)
		key[len(key)-1]++ // the entry is that of another record, which there is not
	})
	r := treeRecord(number(string(key[dueLen:])))
	other := storage.Record{Key: r.Key, Due: r.Due, Value: []byte("x")}
	other.Key.ID = other.Key.ID[:len(other.Key.ID)-1] + "."
	_, err := s.Put(t.Context(), other)
	wantDamaged(t, "Put", number(other.Key.ID), err)
	if !errors.Is(err, storage.ErrDueIndex) {
		t.Errorf("got error %v, want ErrDueIndex", err)
	}
}

// A bucket of few records is within a page of another one.
func TestAnElementOfASmallBucketThatIsMarkedAsABucketIsRefusedAsDamage(t *testing.T) {
	for _, top := range [][]byte{recordsBucket, dueBucket} {
		s := openNew(t, Options{})
		r := named("a")
		r.Due = time.Unix(1, 0)
		var err error
		r.Revision, err = s.Put(t.Context(), r)
		must(t, err)
		var inline page
		must(t, s.view(t.Context(), func(tx *bbolt.Tx) error {
			b, err := mapped(tx).nested(top, r.Key.Bucket)
			inline = bytes.Clone(b.inline)
			return err
		}))
		file, err := os.ReadFile(s.Path())
		must(t, err)
		at := bytes.LastIndex(file, inline)
		if len(inline) == 0 || at < 0 {
			t.Fatalf("the bucket in %q has pages of its own", top)
		}
		page(file[at:]).marked(0)
		path := filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(path, file, 0o600))
		if s, err = Open(path, Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { must(t, s.Close()) })
		if n := wantRefused(t, s, r, true, string(top) == "due"); n < 2 {
			t.Errorf("%d writes were refused", n)
		}
	}
}
