package bolt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func openNew(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "tokens.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func named(id string) storage.Record {
	return storage.Record{Key: storage.Key{Bucket: "b", ID: id}, Value: []byte(id)}
}

func TestWriteThatMeetsADamagedPageFailsAlone(t *testing.T) {
	s := openNew(t, Options{})
	var wg sync.WaitGroup
	entered, gate := make(chan struct{}), make(chan struct{})
	wg.Go(func() { // holds the writer until the others are queued
		_, _ = s.write(t.Context(), named("first").Key, 0, func(*writing) (uint64, error) {
			close(entered)
			<-gate
			return 1, nil
		})
	})
	<-entered
	errs := make(chan error, 2)
	wg.Go(func() { _, err := s.Put(t.Context(), named("good")); errs <- err })
	wg.Go(func() { _, err := s.Put(t.Context(), named("good too")); errs <- err })
	wg.Go(func() {
		_, err := s.write(t.Context(), named("bad").Key, 0, func(tx *writing) (uint64, error) {
			_, _ = put(tx, named("half done"))
			panic("page 7: invalid page type")
		})
		if !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("got error %v, want ErrDamaged", err)
		}
	})
	for len(s.queue) < 3 {
		select {
		case <-t.Context().Done():
			t.Fatal("writes were not queued")
		default:
		}
	}
	close(gate)
	wg.Wait()
	for range 2 {
		if err := <-errs; err != nil {
			t.Errorf("innocent write: %v", err)
		}
	}
	if _, err := s.Get(t.Context(), named("half done").Key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("half of the bad write was kept: %v", err)
	}
}

func TestPanicOfAReaderIsAnErrorAndLeavesTheStoreUsable(t *testing.T) {
	s := openNew(t, Options{})
	err := s.view(t.Context(), func(*bbolt.Tx) error { panic("page 7: invalid page type") })
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got error %v, want ErrDamaged", err)
	}
	if _, err := s.Put(t.Context(), named("a")); err != nil {
		t.Error(err)
	}
}

func TestFailedFileIsNotOpenedMoreOftenThanOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		aside := s.path + ".aside"
		s.file.fail(s.file.current, errors.New("planned"))
		rename(t, s.path, aside)
		get := func() error { _, err := s.Get(t.Context(), named("a").Key); return err }
		if err := get(); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("without file: got error %v, want ErrUnavailable", err)
		}
		if _, err := os.Stat(s.path); err == nil {
			t.Error("a new file was made in place of the lost one")
		}
		rename(t, aside, s.path)
		if err := get(); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("at once: got error %v, want ErrUnavailable", err)
		}
		time.Sleep(reopenInterval)
		if err := get(); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("after a second: got error %v, want ErrNotFound", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWritesToAFileThatWasRemovedOrReplacedAreRefused(t *testing.T) {
	s := openNew(t, Options{})
	if _, err := s.Put(t.Context(), named("a")); err != nil {
		t.Fatal(err)
	}
	aside := s.path + ".aside"
	rename(t, s.path, aside)
	for _, replaced := range []bool{false, true} {
		if replaced {
			if err := os.WriteFile(s.path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Put(t.Context(), named("b")); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("got error %v, want ErrUnavailable", err)
		}
		if _, err := s.Get(t.Context(), named("a").Key); err != nil {
			t.Errorf("reading goes on: %v", err)
		}
	}
	rename(t, aside, s.path)
	if _, err := s.Put(t.Context(), named("b")); err != nil {
		t.Errorf("after it was put back: %v", err)
	}
}

func TestWriteWhoseContextEndedInTheQueueIsDropped(t *testing.T) {
	s := openNew(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := &write{ctx: ctx, done: make(chan struct{}), apply: func(*writing) (uint64, error) {
		t.Error("it got into a transaction")
		return 0, nil
	}}
	s.queue <- w
	<-w.done
	if !errors.Is(w.err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", w.err)
	}
}

func TestDamagedRecordIsReportedAndCanBeDeleted(t *testing.T) {
	s := openNew(t, Options{})
	bad, good := named("bad"), named("good")
	bad.Due = time.Unix(1, 0)
	for _, r := range []storage.Record{bad, good} {
		if _, err := s.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.write(t.Context(), bad.Key, 0, func(tx *writing) (uint64, error) {
		return 1, tx.Bucket(recordsBucket).Bucket([]byte("b")).Put([]byte("bad"), []byte("not a header"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), bad.Key); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("Get: got error %v, want ErrDamaged", err)
	}
	if _, err := s.Put(t.Context(), bad); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("Put: got error %v, want ErrDamaged", err)
	}
	list, err := s.List(t.Context(), "b", "", "", 10)
	if err != nil || len(list) != 2 || list[0].Value != nil || list[1].Value == nil {
		t.Errorf("List: got %v, %v, want the first of two without value", list, err)
	}
	if err := s.Delete(t.Context(), bad.Key, 0); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if due, err := s.Due(t.Context(), "b", time.Now(), storage.Due{}, 10); err != nil || len(due) != 0 {
		t.Errorf("Due: got %v, %v, want nothing", due, err)
	}
}

func TestIdleLeasesTakeNoMemory(t *testing.T) {
	s := openNew(t, Options{})
	for _, id := range []string{"a", "b"} {
		l, err := s.Lease(t.Context(), named(id).Key)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := s.Lease(ctx, named(id).Key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want DeadlineExceeded", err)
		}
		cancel()
		l.Release()
	}
	if n := len(s.leases.keys); n != 0 {
		t.Errorf("%d leases are remembered, want 0", n)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
