package storagetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// noon is a time with a whole number of milliseconds, as precise as every
// backend must be.
var noon = time.Date(2030, 6, 1, 12, 0, 0, 1e6, time.UTC)

var dueSentences = []sentence{
	{"an unknown bucket has nothing due", func(t *testing.T, b storage.Backend) {
		wantDue(t, b, noon, storage.Due{}, 10)
	}},
	{"a record without due time is not in the index", func(t *testing.T, b storage.Backend) {
		mustPut(t, b, record("a"))
		wantDue(t, b, noon, storage.Due{}, 10)
	}},
	{"entries come in the order of time, then of id", func(t *testing.T, b storage.Backend) {
		putDue(t, b, "c", noon)
		putDue(t, b, "b", noon)
		putDue(t, b, "d", noon.Add(-time.Millisecond))
		putDue(t, b, "a", noon.Add(time.Millisecond))
		putDue(t, b, "old", time.Date(1965, 1, 1, 0, 0, 0, 0, time.UTC))
		wantDue(t, b, noon.Add(time.Hour), storage.Due{}, 10, "old", "d", "b", "c", "a")
	}},
	{"an entry is due at its time and not a millisecond before", func(t *testing.T, b storage.Backend) {
		putDue(t, b, "a", noon)
		wantDue(t, b, noon.Add(-time.Millisecond), storage.Due{}, 10)
		wantDue(t, b, noon, storage.Due{}, 10, "a")
	}},
	{"the time zone does not matter", func(t *testing.T, b storage.Backend) {
		zone := time.FixedZone("somewhere", 5*3600)
		putDue(t, b, "a", noon.In(zone))
		wantDue(t, b, noon, storage.Due{}, 10, "a")
		wantDue(t, b, noon.Add(-time.Millisecond).In(zone), storage.Due{}, 10)
	}},
	{"times far away keep their order", func(t *testing.T, b storage.Backend) {
		putDue(t, b, "2038", time.Unix(1<<31, 0))
		putDue(t, b, "2262", time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC)) // after 64 bits of nanoseconds
		putDue(t, b, "9999", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
		wantDue(t, b, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), storage.Due{}, 10, "2038", "2262", "9999")
	}},
	{"at most limit entries are returned", func(t *testing.T, b storage.Backend) {
		putDue(t, b, "a", noon)
		putDue(t, b, "b", noon)
		wantDue(t, b, noon, storage.Due{}, 1, "a")
		wantDue(t, b, noon, storage.Due{}, 0)
		wantDue(t, b, noon, storage.Due{}, -1)
	}},
	{"the last entry of a page is the after of the next one", func(t *testing.T, b storage.Backend) {
		for _, id := range []string{"a", "b", "c"} {
			putDue(t, b, id, noon)
		}
		putDue(t, b, "0", noon.Add(time.Millisecond))
		at := func(at time.Time, id string) storage.Due { return storage.Due{Key: key(id), At: at} }
		late := noon.Add(time.Hour)
		wantDue(t, b, late, at(noon, "a"), 2, "b", "c")
		wantDue(t, b, late, at(noon, "c"), 2, "0")
		wantDue(t, b, late, at(noon, "bb"), 9, "c", "0") // was moved meanwhile
		wantDue(t, b, late, at(noon.Add(time.Millisecond), "0"), 9)
	}},
	{"a put moves the entry", func(t *testing.T, b storage.Backend) {
		r := putDue(t, b, "a", noon)
		r.Due = noon.Add(time.Hour)
		r = mustPut(t, b, r)
		wantDue(t, b, noon, storage.Due{}, 10)
		wantDue(t, b, noon.Add(time.Hour), storage.Due{}, 10, "a")
		mustPut(t, b, r) // same time again
		wantDue(t, b, noon.Add(time.Hour), storage.Due{}, 10, "a")
	}},
	{"a put without due time takes the entry out", func(t *testing.T, b storage.Backend) {
		r := putDue(t, b, "a", noon)
		r.Due = time.Time{}
		mustPut(t, b, r)
		wantDue(t, b, noon, storage.Due{}, 10)
	}},
	{"a delete takes the entry out", func(t *testing.T, b storage.Backend) {
		mustDelete(t, b, putDue(t, b, "a", noon))
		wantDue(t, b, noon, storage.Due{}, 10)
	}},
	{"a refused put or delete leaves the entry", func(t *testing.T, b storage.Backend) {
		r := putDue(t, b, "a", noon)
		_, err := b.Put(t.Context(), storage.Record{Key: r.Key, Due: noon.Add(-time.Hour)})
		wantError(t, "Put", err, storage.ErrConflict)
		wantError(t, "Delete", b.Delete(t.Context(), r.Key, r.Revision+1), storage.ErrConflict)
		wantDue(t, b, noon.Add(-time.Hour), storage.Due{}, 10)
		wantDue(t, b, noon, storage.Due{}, 10, "a")
	}},
	{"each bucket has its own index", func(t *testing.T, b storage.Backend) {
		mustPut(t, b, storage.Record{Key: storage.Key{Bucket: "other", ID: "b"}, Due: noon})
		putDue(t, b, "a", noon)
		wantDue(t, b, noon, storage.Due{}, 10, "a")
	}},
}

func putDue(t *testing.T, b storage.Backend, id string, at time.Time) storage.Record {
	t.Helper()
	r := record(id)
	r.Due = at
	return mustPut(t, b, r)
}

func wantDue(t *testing.T, b storage.Backend, before time.Time, after storage.Due, limit int, want ...string) {
	t.Helper()
	entries, err := b.Due(t.Context(), "connections", before, after, limit)
	if err != nil {
		t.Fatalf("Due(%v, %v, %d): %v", before, after, limit, err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Key.ID)
		r := mustGet(t, b, e.Key)
		if !r.Due.Equal(e.At) {
			t.Errorf("Due says %v of %v, Get says %v", e.At, e.Key, r.Due)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Due(%v, %v, %d): ids differ (-want +got):\n%s", before, after, limit, diff)
	}
}
