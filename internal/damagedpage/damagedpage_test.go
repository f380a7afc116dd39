package damagedpage_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// newDatabase makes a database of n records, all of which are due, and returns their ids.
func newDatabase(t *testing.T, n int) (path string, ids []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tokens.db")
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := fmt.Sprintf("demo/%04d", i)
		ids = append(ids, id)
		r := storage.Record{Key: storage.Key{Bucket: "connections", ID: id}, Value: make([]byte, 300), Due: noon}
		if _, err := s.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path, ids
}

// What is returned is exactly what cannot be read any more.
func TestWhatIsClearedCannotBeRead(t *testing.T) {
	type clearing func(string, damagedpage.Kind) ([]string, error)
	for name, tt := range map[string]struct {
		clear         clearing
		kind          damagedpage.Kind
		records, due  bool // damaged
		all           bool
		leastOf, most int
	}{
		"a page of records":      {damagedpage.Clear, damagedpage.Records("demo/"), true, false, false, 3, 150},
		"all records":            {damagedpage.ClearAll, damagedpage.Records("demo/"), true, false, true, 200, 200},
		"a page of the index":    {damagedpage.Clear, damagedpage.Due("demo/"), false, true, false, 20, 150},
		"all pages of the index": {damagedpage.ClearAll, damagedpage.Due("demo/"), false, true, true, 200, 200},
	} {
		t.Run(name, func(t *testing.T) {
			path, all := newDatabase(t, 200)
			cleared, err := tt.clear(path, tt.kind)
			if err != nil || len(cleared) < tt.leastOf || len(cleared) > tt.most {
				t.Fatalf("%d ids were cleared: %v", len(cleared), err)
			}
			slices.Sort(cleared)
			if !tt.all && (cleared[0] == all[0] || cleared[len(cleared)-1] == all[len(all)-1]) {
				t.Errorf("there is nothing on one side of %s to %s", cleared[0], cleared[len(cleared)-1])
			}
			s, err := bolt.Open(path, bolt.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			records, recordsErr := s.List(t.Context(), "connections", "", "", 1000)
			due, dueErr := s.Due(t.Context(), "connections", noon, storage.Due{}, 1000)
			if errors.Is(recordsErr, storage.ErrDamaged) != tt.records || errors.Is(dueErr, storage.ErrDamaged) != tt.due {
				t.Errorf("List returned %v, Due returned %v", recordsErr, dueErr)
			}
			t.Logf("%d of %d were cleared; %d records and %d entries are left", len(cleared), len(all), len(records), len(due))
			want := map[bool]int{false: len(all), true: len(all) - len(cleared)}
			if len(records) != want[tt.records] || len(due) != want[tt.due] {
				t.Errorf("%d records and %d entries are left", len(records), len(due))
			}
		})
	}
}

func TestWhatIsMarkedCanBeReadAndNotBeWritten(t *testing.T) {
	path, all := newDatabase(t, 200)
	marked, err := damagedpage.Mark(path, damagedpage.Records("demo/"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := s.List(t.Context(), "connections", "", "", 1000)
	if err != nil || len(records) != len(all) {
		t.Fatalf("%d records are listed: %v", len(records), err)
	}
	for _, r := range records {
		if _, err := s.Put(t.Context(), r); errors.Is(err, storage.ErrDamaged) != (r.Key.ID == marked) {
			t.Errorf("%s, of which %s is marked: %v", r.Key.ID, marked, err)
		}
	}
	t.Logf("%s of %d is marked", marked, len(records))
}

func TestNothingIsClearedWhereThereIsTooLittle(t *testing.T) {
	path, _ := newDatabase(t, 5)
	if ids, err := damagedpage.Clear(path, damagedpage.Records("demo/")); err == nil {
		t.Errorf("of 5 records %d were cleared", len(ids))
	}
	if ids, err := damagedpage.ClearAll(path, damagedpage.Records("other/")); err == nil {
		t.Errorf("of none %d were cleared", len(ids))
	}
	if id, err := damagedpage.Mark(path, damagedpage.Records("other/")); err == nil {
		t.Errorf("of none %s was marked", id)
	}
}
