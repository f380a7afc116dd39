package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// fill stores n records, more than a page if n is.
func fill(t *testing.T, s *seal.Sealer, m *memory, n int) {
	t.Helper()
	for i := range n {
		put(t, s, m, fmt.Sprintf("c%05d", i), uint64(i+1), fmt.Sprintf("token %d", i))
	}
}

// checkAll opens all n records of fill and compares everything about them.
func checkAll(t *testing.T, s *seal.Sealer, m *memory, n int) {
	t.Helper()
	for i := range n {
		key := storage.Key{Bucket: connections, ID: fmt.Sprintf("c%05d", i)}
		r := m.snapshot()[key]
		plaintext, generation, err := s.Open(key.Bucket, key.ID, r.Value)
		if err != nil || string(plaintext) != fmt.Sprintf("token %d", i) || generation != uint64(i+1) {
			t.Fatalf("%v: %q, generation %d, %v", key, plaintext, generation, err)
		}
		if !r.Due.Equal(time.Unix(int64(i+1), 0)) {
			t.Fatalf("%v is due at %v", key, r.Due)
		}
	}
}

func mustReseal(t *testing.T, s *seal.Sealer) seal.Progress {
	t.Helper()
	progress, err := s.Reseal(t.Context(), seal.ResealOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return progress
}

func mustRetire(t *testing.T, s *seal.Sealer) seal.Retirement {
	t.Helper()
	retirement, err := s.Retire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return retirement
}

func mustAddPrimary(t *testing.T, s *seal.Sealer) {
	t.Helper()
	if err := s.AddPrimary(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRotationMovesEveryRecordToTheNewKey(t *testing.T) {
	const n = 600 // more than two pages
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, n)

	mustAddPrimary(t, s)
	checkAll(t, s, m, n)
	if got, want := mustRetire(t, s), (seal.Retirement{InUse: 1}); got != want {
		t.Errorf("Retire before Reseal = %+v, want %+v", got, want)
	}
	if diff := gocmp.Diff(seal.Progress{Checked: n, Resealed: n}, mustReseal(t, s)); diff != "" {
		t.Error(diff)
	}
	checkAll(t, s, m, n)
	if diff := gocmp.Diff(seal.Progress{Checked: n}, mustReseal(t, s)); diff != "" {
		t.Error("a second Reseal: ", diff)
	}

	// This process may still hold something sealed under the old key.
	if got, want := mustRetire(t, s), (seal.Retirement{Recent: 1}); got != want || s.Keys() != 2 {
		t.Errorf("Retire in the process that rotated = %+v, want %+v", got, want)
	}
	s = mustOpen(t, m, testKey(t, 1))
	if got, want := mustRetire(t, s), (seal.Retirement{Dropped: 1}); got != want || s.Keys() != 1 {
		t.Errorf("Retire after a restart = %+v, want %+v", got, want)
	}
	checkAll(t, s, m, n)
	checkAll(t, mustOpen(t, m, testKey(t, 1)), m, n)
}

func TestADroppedKeyOpensNothingAnyMore(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	old := mustSeal(t, s, "a", 1, "a token")
	mustAddPrimary(t, s)
	s = mustOpen(t, m, testKey(t, 1))
	mustRetire(t, s)
	if _, _, err := s.Open(connections, "a", old); !errors.Is(err, seal.ErrUnknownKey) || !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("%v; want ErrUnknownKey and ErrDamaged", err)
	}
}

// A whole rotation, which dies at each of its writes in turn, once before and
// once after the write is durable, is run again after a restart.
func TestARotationThatDiesAtAnyWriteIsFinishedByTheNextStart(t *testing.T) {
	const n = 5
	faults := map[string]func(m *memory, at int){
		"before the write": func(m *memory, at int) {
			m.beforePut = func(i int, _ storage.Record) error { return dieAt(i, at) }
		},
		"after the write": func(m *memory, at int) {
			m.afterPut = func(i int) error { return dieAt(i, at) }
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				m := newMemory()
				s := mustOpen(t, m, testKey(t, 1))
				fill(t, s, m, n)
				m.faultless()
				fault(m, at)
				err := rotate(t, m)
				survived := err == nil
				if !survived && !errors.Is(err, errCrash) {
					t.Fatalf("write %d: %v", at, err)
				}
				m.faultless()

				checkWithEitherCopy(t, m, n)
				s = mustOpen(t, m, testKey(t, 1))
				checkAll(t, s, m, n)
				if err := rotate(t, m); err != nil {
					t.Fatalf("again after write %d: %v", at, err)
				}
				s = mustOpen(t, m, testKey(t, 1))
				checkAll(t, s, m, n)
				if s.Keys() != 1 {
					t.Errorf("write %d: %d keys are left", at, s.Keys())
				}
				if survived {
					// the new key twice, the records, the old key's end twice
					if want := 2 + n + 2; at != want+1 {
						t.Errorf("a rotation made %d writes, want %d", at-1, want)
					}
					return
				}
			}
		})
	}
}

func dieAt(i, at int) error {
	if i == at {
		return errCrash
	}
	return nil
}

// rotate does all of a rotation, with the restart that Retire asks for.
func rotate(t *testing.T, m *memory) error {
	t.Helper()
	s := mustOpen(t, m, testKey(t, 1))
	if err := s.AddPrimary(t.Context()); err != nil {
		return err
	}
	if _, err := s.Reseal(t.Context(), seal.ResealOptions{}); err != nil {
		return err
	}
	_, err := mustOpen(t, m, testKey(t, 1)).Retire(t.Context())
	return err
}

func TestAKeyThatIsNotDurableIsNotUsed(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	m.beforePut = func(int, storage.Record) error { return storage.ErrUnavailable }
	if err := s.AddPrimary(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("AddPrimary = %v", err)
	}
	m.faultless()
	sealed := mustSeal(t, s, "a", 1, "a token")
	if _, _, err := mustOpen(t, m, testKey(t, 1)).Open(connections, "a", sealed); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestProcessesLearnOfEachOthersKeysByReload(t *testing.T) {
	m := newMemory()
	a, b := mustOpen(t, m, testKey(t, 1)), mustOpen(t, m, testKey(t, 1))
	mustAddPrimary(t, a)
	put(t, a, m, "c00000", 1, "token 0")
	value := m.snapshot()[storage.Key{Bucket: connections, ID: "c00000"}].Value
	if _, _, err := b.Open(connections, "c00000", value); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("before Reload: %v; want ErrUnknownKey", err)
	}
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkAll(t, b, m, 1)

	// Both rotate; the second builds on the first, whatever it remembers.
	mustAddPrimary(t, b)
	mustAddPrimary(t, a)
	if a.Keys() != 4 {
		t.Errorf("%d keys, want 4: a key was lost", a.Keys())
	}
}

func TestAKeyAddedByAnotherProcessAtTheSameTimeIsKept(t *testing.T) {
	m := newMemory()
	a, b := mustOpen(t, m, testKey(t, 1)), mustOpen(t, m, testKey(t, 1))
	m.faultless()
	m.beforePut = func(n int, _ storage.Record) error {
		if n == 1 {
			mustAddPrimary(t, b)
		}
		return nil
	}
	mustAddPrimary(t, a)
	if a.Keys() != 3 {
		t.Errorf("%d keys, want 3", a.Keys())
	}
	if _, _, err := a.Open(connections, "x", mustSeal(t, b, "x", 1, "t")); err != nil {
		t.Error(err)
	}
}

func TestRetireGivesUpIfTheKeysetChanges(t *testing.T) {
	m := newMemory()
	mustAddPrimary(t, mustOpen(t, m, testKey(t, 1)))
	s := mustOpen(t, m, testKey(t, 1))
	other := mustOpen(t, m, testKey(t, 1))
	m.faultless()
	m.beforePut = func(n int, _ storage.Record) error {
		if n == 1 {
			mustAddPrimary(t, other)
		}
		return nil
	}
	if _, err := s.Retire(t.Context()); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("Retire = %v; want ErrConflict", err)
	}
	if got := mustOpen(t, m, testKey(t, 1)).Keys(); got != 3 {
		t.Errorf("%d keys, want 3", got)
	}
}

func TestALostKeysetIsNotReplacedAtRunTime(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, 1)
	delete(m.records, keysetKey)
	delete(m.records, spareKey)
	for name, call := range map[string]func(context.Context) error{
		"AddPrimary": s.AddPrimary,
		"Reload":     s.Reload,
		"Rewrap":     func(ctx context.Context) error { return s.Rewrap(ctx, testKey(t, 2)) },
		"Reseal":     func(ctx context.Context) error { _, err := s.Reseal(ctx, seal.ResealOptions{}); return err },
		"Retire":     func(ctx context.Context) error { _, err := s.Retire(ctx); return err },
	} {
		if err := call(t.Context()); !errors.Is(err, seal.ErrKeysetMissing) {
			t.Errorf("%s = %v; want ErrKeysetMissing", name, err)
		}
	}
	checkAll(t, s, m, 1) // what is in memory serves on
}

func TestSealAndOpenRunBesideRotation(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, 300)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				sealed, err := s.Seal(seal.Binding{Bucket: connections, ID: "x", Generation: 1}, []byte("t"))
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, err := s.Open(connections, "x", sealed); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		mustAddPrimary(t, s)
		mustReseal(t, s)
		mustRetire(t, s)
	}
	close(done)
	wg.Wait()
	checkAll(t, mustOpen(t, m, testKey(t, 1)), m, 300)
}

func TestNoKeyIsDroppedWhileARecordCannotBeRead(t *testing.T) {
	m := newMemory()
	mustAddPrimary(t, mustOpen(t, m, testKey(t, 1)))
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, 2)
	key := storage.Key{Bucket: connections, ID: "c00000"}
	r := m.records[key]
	for name, value := range map[string][]byte{
		"no value":        nil,
		"a newer version": append([]byte{2}, r.Value[1:]...),
		"an unknown key":  append(bytes.Clone(r.Value[:10]), make([]byte, 40)...),
	} {
		r.Value = value
		m.records[key] = r
		if got, want := mustRetire(t, s), (seal.Retirement{Unreadable: 1}); got != want || s.Keys() != 2 {
			t.Errorf("%s: Retire = %+v, %d keys are left; want %+v", name, got, s.Keys(), want)
		}
	}
}

// A key is kept for a write of which nobody knows whether it was made, and not for one that surely was not.
func TestAKeyIsKeptForWritesThatMayHaveHappened(t *testing.T) {
	for name, tt := range map[string]struct {
		failure error
		want    seal.Retirement
	}{
		"somebody was quicker":     {storage.ErrConflict, seal.Retirement{Dropped: 1}},
		"the place is damaged":     {fmt.Errorf("a page: %w", storage.ErrDamaged), seal.Retirement{Dropped: 1}},
		"no answer":                {storage.ErrUnavailable, seal.Retirement{Recent: 1}},
		"no answer, due to damage": {fmt.Errorf("%w: %w", storage.ErrUnavailable, storage.ErrDamaged), seal.Retirement{Recent: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			s := mustOpen(t, m, testKey(t, 1))
			m.beforePut = func(int, storage.Record) error { return tt.failure }
			if _, err := s.Put(t.Context(), seal.Binding{Bucket: connections, ID: "a", Generation: 1}, []byte("t"), time.Time{}, 0); !errors.Is(err, tt.failure) {
				t.Fatalf("Put = %v", err)
			}
			m.beforePut = nil
			mustAddPrimary(t, s)
			if got := mustRetire(t, s); got != tt.want {
				t.Errorf("Retire = %+v, want %+v", got, tt.want)
			}
		})
	}
}
