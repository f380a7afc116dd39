package storagetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var recordSentences = []sentence{
	{"get returns ErrNotFound if there is no such record", func(t *testing.T, b storage.Backend) {
		_, err := b.Get(t.Context(), key("a"))
		wantError(t, "Get", err, storage.ErrNotFound)
		mustPut(t, b, record("a"))
		_, err = b.Get(t.Context(), storage.Key{Bucket: "other", ID: "a"})
		wantError(t, "Get from another bucket", err, storage.ErrNotFound)
	}},
	{"get returns what was put, with its revision", func(t *testing.T, b storage.Backend) {
		want := record("a")
		want.Due = time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)
		want = mustPut(t, b, want)
		if want.Revision < 1 {
			t.Errorf("revision is %d, want 1 or more", want.Revision)
		}
		if diff := cmp.Diff(want, mustGet(t, b, want.Key)); diff != "" {
			t.Errorf("record differs (-put +got):\n%s", diff)
		}
	}},
	{"an empty value comes back empty and not nil", func(t *testing.T, b storage.Backend) {
		mustPut(t, b, storage.Record{Key: key("a")})
		if v := mustGet(t, b, key("a")).Value; v == nil || len(v) != 0 {
			t.Errorf("Get: value is %#v, want it empty and not nil", v)
		}
		list, err := b.List(t.Context(), "connections", "", "", 1)
		if err != nil || len(list) != 1 || list[0].Value == nil {
			t.Errorf("List: got %v, %v, want one record with a value that is not nil", list, err)
		}
	}},
	{"a value of one mebibyte comes back whole", func(t *testing.T, b storage.Backend) {
		want := bytes.Repeat([]byte{0, 1, 0xfe, 0xff}, 1<<18)
		mustPut(t, b, storage.Record{Key: key("a"), Value: want})
		if !bytes.Equal(mustGet(t, b, key("a")).Value, want) {
			t.Error("value differs")
		}
	}},
	{"keys are compared as bytes and by both parts", checkKeys},
	{"a key with an empty part is refused", checkEmptyKeys},
	{"put with revision zero demands that there is no record", func(t *testing.T, b storage.Backend) {
		first := mustPut(t, b, record("a"))
		_, err := b.Put(t.Context(), storage.Record{Key: key("a"), Value: []byte("other")})
		wantError(t, "second Put", err, storage.ErrConflict)
		if diff := cmp.Diff(first, mustGet(t, b, key("a"))); diff != "" {
			t.Errorf("a refused Put changed the record:\n%s", diff)
		}
	}},
	{"put replaces the revision that it names and no other", func(t *testing.T, b storage.Backend) {
		first := mustPut(t, b, record("a"))
		second := first
		second.Value = []byte("second")
		second = mustPut(t, b, second)
		if second.Revision <= first.Revision {
			t.Errorf("revision went from %d to %d, want it to grow", first.Revision, second.Revision)
		}
		for _, revision := range []uint64{0, first.Revision, second.Revision + 1} {
			stale := storage.Record{Key: key("a"), Value: []byte("stale"), Revision: revision}
			_, err := b.Put(t.Context(), stale)
			wantError(t, "Put with another revision", err, storage.ErrConflict)
		}
		if diff := cmp.Diff(second, mustGet(t, b, key("a"))); diff != "" {
			t.Errorf("record differs (-put +got):\n%s", diff)
		}
	}},
	{"put with a revision conflicts if there is no record", func(t *testing.T, b storage.Backend) {
		r := record("a")
		r.Revision = 1
		_, err := b.Put(t.Context(), r)
		wantError(t, "Put", err, storage.ErrConflict)
	}},
	{"delete removes the revision that it names and no other", func(t *testing.T, b storage.Backend) {
		r := mustPut(t, b, record("a"))
		for _, revision := range []uint64{0, r.Revision + 1} {
			wantError(t, "Delete of another revision", b.Delete(t.Context(), r.Key, revision), storage.ErrConflict)
		}
		mustGet(t, b, r.Key)
		mustDelete(t, b, r)
		_, err := b.Get(t.Context(), r.Key)
		wantError(t, "Get", err, storage.ErrNotFound)
		wantError(t, "second Delete", b.Delete(t.Context(), r.Key, r.Revision), storage.ErrNotFound)
	}},
	{"a record can be put again after it was deleted", func(t *testing.T, b storage.Backend) {
		mustDelete(t, b, mustPut(t, b, record("a")))
		mustPut(t, b, record("a"))
	}},
	{"the slices of caller and backend are independent", func(t *testing.T, b storage.Backend) {
		r := record("a")
		want := bytes.Clone(r.Value)
		mustPut(t, b, r)
		clear(r.Value)
		got := mustGet(t, b, r.Key).Value
		if !bytes.Equal(got, want) {
			t.Fatal("changing the slice after Put changed the record")
		}
		clear(got)
		if !bytes.Equal(mustGet(t, b, r.Key).Value, want) {
			t.Error("changing the slice from Get changed the record")
		}
	}},
	{"of many puts at once with the same revision one succeeds", checkRace},
	{"many puts at once of different keys all succeed", checkCrowd},
}

func checkKeys(t *testing.T, b storage.Backend) {
	keys := []storage.Key{
		{Bucket: "a", ID: "b:c"}, {Bucket: "a:b", ID: "c"},
		{Bucket: "a", ID: "b/c"}, {Bucket: "a/b", ID: "c"},
		{Bucket: "a", ID: "b\x00c"}, {Bucket: "a\x00b", ID: "c"},
		{Bucket: "a", ID: "é"}, {Bucket: "a", ID: "e\u0301"}, // one letter in two normal forms
		{Bucket: "a", ID: "X"}, {Bucket: "a", ID: "x"},
		{Bucket: "a", ID: "x "}, {Bucket: "a", ID: ".."}, {Bucket: "..", ID: "a"},
		{Bucket: "a", ID: "\xff\xfe"}, {Bucket: "\xff", ID: "\x00"},
		{Bucket: "records", ID: "meta"}, {Bucket: "meta", ID: "format"},
	}
	for i, k := range keys {
		mustPut(t, b, storage.Record{Key: k, Value: []byte{byte(i)}})
	}
	for i, k := range keys {
		if got := mustGet(t, b, k); !bytes.Equal(got.Value, []byte{byte(i)}) {
			t.Errorf("record of %q is that of %q", k, keys[got.Value[0]])
		}
	}
}

func checkEmptyKeys(t *testing.T, b storage.Backend) {
	for _, k := range []storage.Key{{}, {Bucket: "a"}, {ID: "a"}} {
		if _, err := b.Put(t.Context(), storage.Record{Key: k}); err == nil {
			t.Errorf("Put(%q): no error", k)
		}
		if _, err := b.Get(t.Context(), k); err == nil {
			t.Errorf("Get(%q): no error", k)
		}
		if err := b.Delete(t.Context(), k, 1); err == nil {
			t.Errorf("Delete(%q): no error", k)
		}
	}
}

func checkRace(t *testing.T, b storage.Backend) {
	const rivals, rounds = 8, 10
	r := mustPut(t, b, record("a"))
	for range rounds {
		revisions := make(chan uint64, rivals)
		var wg sync.WaitGroup
		for range rivals {
			wg.Go(func() {
				revision, err := b.Put(t.Context(), r)
				if err == nil {
					revisions <- revision
				} else if !errors.Is(err, storage.ErrConflict) {
					t.Errorf("Put: got error %v, want ErrConflict", err)
				}
			})
		}
		wg.Wait()
		if n := len(revisions); n != 1 {
			t.Fatalf("%d puts of the same revision succeeded, want 1", n)
		}
		r.Revision = <-revisions
	}
}

func checkCrowd(t *testing.T, b storage.Backend) {
	const crowd, rounds = 32, 5
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			r := record(string(rune('A' + i)))
			for range rounds {
				revision, err := b.Put(t.Context(), r)
				if err != nil {
					t.Errorf("Put(%v): %v", r.Key, err)
					return
				}
				r.Revision = revision
			}
		})
	}
	wg.Wait()
	list, err := b.List(t.Context(), "connections", "", "", crowd+1)
	if err != nil || len(list) != crowd {
		t.Errorf("List: got %d records and error %v, want %d", len(list), err, crowd)
	}
}
