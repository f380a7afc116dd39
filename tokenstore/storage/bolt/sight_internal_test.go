package bolt

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

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
	if pages := listPaged(t, s); !slices.EqualFunc(pages, list, func(a, b storage.Record) bool { return a.Key == b.Key }) {
		t.Errorf("%d records listed in pages, %d at once", len(pages), len(list))
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

// listPaged lists the records in pages.
func listPaged(t *testing.T, s *Store) (all []storage.Record) {
	t.Helper()
	const page = 7
	after := ""
	for range treeRecords {
		records, err := s.List(t.Context(), treeBucket, "", after, page)
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			t.Error(err)
		}
		all = append(all, records...)
		if len(records) < page {
			return all
		}
		after = records[len(records)-1].Key.ID
	}
	t.Error("listing in pages does not end")
	return all
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
