package bolt_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// check reads a damaged file, and returns how many records are not there as they were. Each value must be one
// that the record had, and the last one unless it is said that it may be an older one; a record
// of which all bytes are there must have the last one; and a loss must be told.
func (w worn) check(t *testing.T, name string, damaged []byte) (lost int, told bool) {
	t.Helper()
	start := time.Now()
	got := bolt.SalvageBytes(damaged, "b", "large", wornSmall)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("%s: it took %v", name, d)
	}
	told = len(got.Lost) > 0 || got.Pages > 0 || got.Older
	saved := map[storage.Key]bool{}
	for _, r := range got.Records {
		now, there := w.now[r.Key]
		saved[r.Key] = there && bytes.Equal(r.Value, now.Value) && r.Due.Equal(now.Due) && r.Revision == now.Revision
		if !saved[r.Key] && !w.had(r) {
			t.Errorf("%s: %v has a value that it never had: %.40q", name, r.Key, r.Value)
		}
		if !saved[r.Key] && !got.Older {
			t.Errorf("%s: %v is not as it was, and that is not told: %.40q", name, r.Key, r.Value)
		}
	}
	for key, spans := range w.need {
		whole := true
		for _, s := range spans {
			whole = whole && same(w.whole, damaged, s.from, s.to)
		}
		if !saved[key] {
			lost++
		}
		if whole && !saved[key] {
			t.Errorf("%s: %v is untouched, and was not saved", name, key)
		}
	}
	if lost > 0 && !told {
		t.Errorf("%s: %d records are lost, and that is not told", name, lost)
	}
	return lost, told
}

func (w worn) had(r storage.Record) bool { return slices.Contains(w.past[r.Key], string(r.Value)) }

// wantAll fails if a record is not there as it was.
func (w worn) wantAll(t *testing.T, name string, damaged []byte) *bolt.Salvaged {
	t.Helper()
	if lost, _ := w.check(t, name, damaged); lost > 0 {
		t.Errorf("%s: %d records are lost", name, lost)
	}
	return bolt.SalvageBytes(damaged, "b", "large", wornSmall)
}
