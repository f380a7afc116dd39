package bolt_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// keep writes a snapshot to a file and returns its path.
func keep(t *testing.T, s *storage.Snapshot) string {
	t.Helper()
	b, err := io.ReadAll(s)
	must(t, err)
	must(t, s.Close())
	if int64(len(b)) != s.Size || sha256.Sum256(b) != s.SHA256 {
		t.Errorf("%d bytes, want %d; or the sum is another one", len(b), s.Size)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	must(t, os.WriteFile(path, b, 0o600))
	return path
}

func TestSnapshotsAreConsistentWhileRecordsAreWritten(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	// Each round writes a before b, so that no state of the file has a newer b.
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			a, b := storage.Key{Bucket: "b", ID: fmt.Sprintf("a%d", w)}, storage.Key{Bucket: "b", ID: fmt.Sprintf("b%d", w)}
			var revisions [2]uint64
			for round := uint32(0); ctx.Err() == nil; round++ {
				for i, key := range []storage.Key{a, b} {
					revision, err := s.Put(bg, storage.Record{Key: key, Value: fmt.Appendf(nil, "%08d", round), Revision: revisions[i]})
					if err != nil {
						t.Error(err)
						return
					}
					revisions[i] = revision
				}
			}
		})
	}
	for range 20 {
		snapshot, err := s.Snapshot(t.Context())
		must(t, err)
		copied := mustOpen(t, keep(t, snapshot))
		content, err := copied.Content(t.Context())
		must(t, err)
		if content != snapshot.Content || content.Damaged > 0 {
			t.Errorf("the copy has %+v, want %+v", content, snapshot.Content)
		}
		list, err := copied.List(t.Context(), "b", "", "", 100)
		must(t, err)
		values := map[string]string{}
		for _, r := range list {
			values[r.Key.ID] = string(r.Value)
		}
		for w := range 4 {
			if a, b := values[fmt.Sprintf("a%d", w)], values[fmt.Sprintf("b%d", w)]; b > a {
				t.Errorf("the copy has %q after %q", b, a)
			}
		}
		must(t, copied.Close())
	}
	stop()
	writers.Wait()
	wantNoTemporaryFiles(t, path)
}

// A reader that never reads must not keep pages from being used again, nor the store from closing.
func TestASnapshotThatNobodyReadsHoldsNothingUp(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	snapshot, err := s.Snapshot(t.Context())
	must(t, err)
	r := storage.Record{Key: storage.Key{Bucket: "b", ID: "a"}, Value: make([]byte, 64<<10)}
	for range 50 {
		r = put(t, s, r)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Size() > 1<<20 {
		t.Errorf("the file has grown to %d bytes: pages are not used again", info.Size())
	}
	must(t, s.Close())
	wantNoTemporaryFiles(t, path)
	copied := mustOpen(t, keep(t, snapshot))
	if _, err := copied.Get(t.Context(), r.Key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the copy has what came later: %v", err)
	}
}

func TestSnapshotCountsDamagedRecords(t *testing.T) {
	path := newPath(t)
	whole := corruptibleFile(t, path)
	value := corruptValue(corruptID(7))
	flipped := bytes.Clone(value)
	flipped[len(flipped)/2] ^= 1
	must(t, os.WriteFile(path, bytes.ReplaceAll(whole, value, flipped), 0o600))
	s := mustOpen(t, path)
	snapshot, err := s.Snapshot(t.Context())
	must(t, err)
	defer snapshot.Close()
	if want := (storage.Content{Records: corruptRecords, Damaged: 1}); snapshot.Content != want {
		t.Errorf("got %+v, want %+v", snapshot.Content, want)
	}
}

func TestSnapshotEndsWithItsContextAndItsStore(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	put(t, s, storage.Record{Key: storage.Key{Bucket: "b", ID: "a"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	must(t, s.Close())
	if _, err := s.Snapshot(t.Context()); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	wantNoTemporaryFiles(t, path)
}

func TestLock(t *testing.T) {
	path := newPath(t)
	if _, err := bolt.Lock(path, bolt.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	must(t, os.WriteFile(path, []byte("damaged"), 0o600))
	release, err := bolt.Lock(path, bolt.Options{})
	must(t, err)
	must(t, release())
	must(t, os.Remove(path))
	s := mustOpen(t, path)
	if _, err := bolt.Lock(path, bolt.Options{LockTimeout: 1}); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("an open database: %v", err)
	}
	must(t, s.Close())
	release, err = bolt.Lock(path, bolt.Options{})
	must(t, err)
	if _, err := bolt.Open(path, bolt.Options{LockTimeout: 1}); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("a locked database: %v", err)
	}
	must(t, release())
}
