package storagetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// RunReopen checks that what a backend acknowledged is there after it was closed
// and opened again. It is for backends whose records outlive them.
//
// open must return a backend over what is kept in dir, a directory that is
// empty when it is first given, and the same each time it is given the same dir.
// RunReopen never has two backends of one directory open.
func RunReopen(t *testing.T, open func(t *testing.T, dir string) storage.Backend) {
	dir := t.TempDir()
	first := open(t, dir)
	kept := mustPut(t, first, storage.Record{Key: key("kept"), Value: []byte("value"), Due: noon})
	kept = mustPut(t, first, kept)
	mustDelete(t, first, mustPut(t, first, storage.Record{Key: key("deleted"), Due: noon}))
	lease := mustLease(t, first, kept.Key)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	lease.Release()

	second := open(t, dir)
	t.Cleanup(func() {
		if err := second.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Run("records are there with value, due time and revision", func(t *testing.T) {
		if diff := cmp.Diff(kept, mustGet(t, second, kept.Key)); diff != "" {
			t.Errorf("record differs (-put +got):\n%s", diff)
		}
	})
	t.Run("deleted records are not", func(t *testing.T) {
		wantIDs(t, second, "", "", 10, "kept")
		wantDue(t, second, noon.Add(time.Hour), storage.Due{}, 10, "kept")
	})
	t.Run("leases of the closed backend are free", func(t *testing.T) {
		mustLease(t, second, kept.Key).Release()
	})
	t.Run("revisions go on growing", func(t *testing.T) {
		if again := mustPut(t, second, kept); again.Revision <= kept.Revision {
			t.Errorf("revision went from %d to %d", kept.Revision, again.Revision)
		}
	})
}
