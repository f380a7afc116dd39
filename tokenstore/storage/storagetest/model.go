package storagetest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// model is what a backend must look like from outside.
type model struct {
	b       storage.Backend
	records map[storage.Key]storage.Record
}

// runModel does the same random operations to a backend and to a map, and
// compares the answers.
func runModel(t *testing.T, open func(t *testing.T) storage.Backend) {
	rapid.Check(t, func(rt *rapid.T) {
		b := open(t)
		defer func() {
			if err := b.Close(); err != nil {
				rt.Errorf("Close: %v", err)
			}
		}()
		m := &model{b: b, records: make(map[storage.Key]storage.Record)}
		rt.Repeat(map[string]func(*rapid.T){
			"put":    m.put,
			"delete": m.delete,
			"get":    m.get,
			"list":   m.list,
			"due":    m.due,
		})
	})
}

// Few keys, so that operations meet, and some that are prefixes of others.
var (
	buckets = rapid.SampledFrom([]string{"a", "b"})
	ids     = rapid.SampledFrom([]string{"a", "aa", "ab", "b", "b\x00", "b\xff", "é"})
	keys    = rapid.Custom(func(rt *rapid.T) storage.Key {
		return storage.Key{Bucket: buckets.Draw(rt, "bucket"), ID: ids.Draw(rt, "id")}
	})
	times = rapid.Custom(func(rt *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.IntRange(-3, 3).Draw(rt, "ms")) * time.Millisecond)
	})
	limits = rapid.IntRange(0, 5)
)

// revision is the stored one of key most of the time.
func (m *model) revision(rt *rapid.T, key storage.Key) uint64 {
	if rapid.IntRange(0, 3).Draw(rt, "wrong revision if 0") == 0 {
		return rapid.Uint64Range(0, 20).Draw(rt, "revision")
	}
	return m.records[key].Revision
}

func (m *model) put(rt *rapid.T) {
	r := storage.Record{Key: keys.Draw(rt, "key"), Value: rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "value")}
	if rapid.Bool().Draw(rt, "has due time") {
		r.Due = times.Draw(rt, "due")
	}
	r.Revision = m.revision(rt, r.Key)
	old := m.records[r.Key].Revision
	revision, err := m.b.Put(rt.Context(), r)
	switch {
	case r.Revision != old:
		if !errors.Is(err, storage.ErrConflict) {
			rt.Fatalf("Put of revision %d over %d: got error %v, want ErrConflict", r.Revision, old, err)
		}
	case err != nil:
		rt.Fatalf("Put: %v", err)
	case revision <= old:
		rt.Fatalf("Put: revision went from %d to %d", old, revision)
	default:
		r.Revision = revision
		m.records[r.Key] = r
	}
}

func (m *model) delete(rt *rapid.T) {
	key := keys.Draw(rt, "key")
	revision := m.revision(rt, key)
	stored, ok := m.records[key]
	var want error
	switch {
	case !ok:
		want = storage.ErrNotFound
	case stored.Revision != revision:
		want = storage.ErrConflict
	default:
		delete(m.records, key)
	}
	if err := m.b.Delete(rt.Context(), key, revision); !errors.Is(err, want) {
		rt.Fatalf("Delete: got error %v, want %v", err, want)
	}
}

func (m *model) get(rt *rapid.T) {
	key := keys.Draw(rt, "key")
	want, ok := m.records[key]
	got, err := m.b.Get(rt.Context(), key)
	if !ok {
		if !errors.Is(err, storage.ErrNotFound) {
			rt.Fatalf("Get: got error %v, want ErrNotFound", err)
		}
		return
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		rt.Fatalf("Get: error %v, record differs (-want +got):\n%s", err, diff)
	}
}

func (m *model) list(rt *rapid.T) {
	bucket, limit := buckets.Draw(rt, "bucket"), limits.Draw(rt, "limit")
	prefix := rapid.OneOf(rapid.Just(""), ids).Draw(rt, "prefix")
	after := rapid.OneOf(rapid.Just(""), ids).Draw(rt, "after")
	var want []storage.Record
	for k, r := range m.records {
		if k.Bucket == bucket && strings.HasPrefix(k.ID, prefix) && k.ID > after {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, func(a, b storage.Record) int { return cmp.Compare(a.Key.ID, b.Key.ID) })
	want = want[:min(limit, len(want))]
	got, err := m.b.List(rt.Context(), bucket, prefix, after, limit)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		rt.Fatalf("List: error %v, records differ (-want +got):\n%s", err, diff)
	}
}

func (m *model) due(rt *rapid.T) {
	bucket, limit, before := buckets.Draw(rt, "bucket"), limits.Draw(rt, "limit"), times.Draw(rt, "before")
	var after storage.Due
	if rapid.Bool().Draw(rt, "has after") {
		after = storage.Due{Key: storage.Key{Bucket: bucket, ID: ids.Draw(rt, "after id")}, At: times.Draw(rt, "after")}
	}
	var want []storage.Due
	for k, r := range m.records {
		d := storage.Due{Key: k, At: r.Due}
		if k.Bucket == bucket && !r.Due.IsZero() && !r.Due.After(before) && compareDue(d, after) > 0 {
			want = append(want, d)
		}
	}
	slices.SortFunc(want, compareDue)
	want = want[:min(limit, len(want))]
	got, err := m.b.Due(rt.Context(), bucket, before, after, limit)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		rt.Fatalf("Due: error %v, entries differ (-want +got):\n%s", err, diff)
	}
}

func compareDue(a, b storage.Due) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key.ID, b.Key.ID))
}
