package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var listSentences = []sentence{
	{"an unknown bucket is empty", func(t *testing.T, b storage.Backend) {
		wantIDs(t, b, "", "", 10)
	}},
	{"ids come in byte order", func(t *testing.T, b storage.Backend) {
		putAll(t, b, "b", "a", "é", "Z", "aa", "a\x00", "\xff")
		wantIDs(t, b, "", "", 10, "Z", "a", "a\x00", "aa", "b", "é", "\xff")
	}},
	{"only ids with the prefix are returned", func(t *testing.T, b storage.Backend) {
		putAll(t, b, "a", "b", "ba", "b\xff", "b\xff\xff", "c")
		wantIDs(t, b, "b", "", 10, "b", "ba", "b\xff", "b\xff\xff")
		wantIDs(t, b, "b\xff", "", 10, "b\xff", "b\xff\xff")
		wantIDs(t, b, "d", "", 10)
	}},
	{"only ids behind after are returned", func(t *testing.T, b storage.Backend) {
		putAll(t, b, "a", "b", "ba", "bb", "c")
		wantIDs(t, b, "", "b", 10, "ba", "bb", "c")
		wantIDs(t, b, "", "b\x00", 10, "ba", "bb", "c") // was deleted meanwhile
		wantIDs(t, b, "b", "ba", 10, "bb")
		wantIDs(t, b, "b", "a", 10, "b", "ba", "bb")
		wantIDs(t, b, "b", "c", 10)
		wantIDs(t, b, "", "c", 10)
	}},
	{"at most limit records are returned", func(t *testing.T, b storage.Backend) {
		putAll(t, b, "a", "b", "c")
		wantIDs(t, b, "", "", 2, "a", "b")
		wantIDs(t, b, "", "", 0)
		wantIDs(t, b, "", "", -1)
	}},
	{"the last id of a page is the after of the next one", func(t *testing.T, b storage.Backend) {
		var want, got []string
		for i := range 25 {
			want = append(want, fmt.Sprintf("id-%03d", i))
		}
		putAll(t, b, want...)
		for after := ""; ; {
			page, err := b.List(t.Context(), "connections", "id-", after, 7)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				got = append(got, r.Key.ID)
			}
			after = page[len(page)-1].Key.ID
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages differ (-want +got):\n%s", diff)
		}
	}},
	{"records are returned whole", func(t *testing.T, b storage.Backend) {
		r := record("a")
		r.Due = time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)
		r = mustPut(t, b, r)
		got, err := b.List(t.Context(), "connections", "", "", 10)
		if diff := cmp.Diff([]storage.Record{r}, got); diff != "" || err != nil {
			t.Errorf("error %v, records differ (-want +got):\n%s", err, diff)
		}
	}},
	{"other buckets are not listed", func(t *testing.T, b storage.Backend) {
		mustPut(t, b, storage.Record{Key: storage.Key{Bucket: "connections2", ID: "b"}})
		mustPut(t, b, storage.Record{Key: storage.Key{Bucket: "connection", ID: "c"}})
		putAll(t, b, "a")
		wantIDs(t, b, "", "", 10, "a")
	}},
}

func putAll(t *testing.T, b storage.Backend, ids ...string) {
	t.Helper()
	for _, id := range ids {
		mustPut(t, b, record(id))
	}
}

func wantIDs(t *testing.T, b storage.Backend, prefix, after string, limit int, want ...string) {
	t.Helper()
	list, err := b.List(t.Context(), "connections", prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
	}
	var got []string
	for _, r := range list {
		got = append(got, r.Key.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List(%q, %q, %d): ids differ (-want +got):\n%s", prefix, after, limit, diff)
	}
}
