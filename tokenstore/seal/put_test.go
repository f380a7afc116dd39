package seal_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// fillByPut is fill with records whose outcome the Sealer knows.
func fillByPut(t *testing.T, s *seal.Sealer, n int) {
	t.Helper()
	for i := range n {
		b := seal.Binding{Bucket: connections, ID: fmt.Sprintf("c%05d", i), Generation: uint64(i + 1)}
		if _, err := s.Put(t.Context(), b, fmt.Appendf(nil, "token %d", i), time.Unix(int64(i+1), 0), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARotationEndsInTheProcessThatBeganIt(t *testing.T) {
	const n = 600 // more than two pages
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fillByPut(t, s, n)
	mustAddPrimary(t, s)
	var told []int
	progress, err := s.Reseal(t.Context(), seal.ResealOptions{
		Parallel: 64,
		Progress: func(p seal.Progress) { told = append(told, p.Checked) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(seal.Progress{Checked: n, Resealed: n}, progress); diff != "" {
		t.Error(diff)
	}
	// The last page is of the second bucket, which is empty.
	if diff := gocmp.Diff([]int{256, 512, 600, 600}, told); diff != "" {
		t.Error(diff)
	}
	checkAll(t, s, m, n)
	if got, want := mustRetire(t, s), (seal.Retirement{Dropped: 1}); got != want || s.Keys() != 1 {
		t.Errorf("Retire = %+v, want %+v", got, want)
	}
	checkAll(t, s, m, n)
	checkAll(t, mustOpen(t, m, testKey(t, 1)), m, n)
}

func TestAKeyIsKeptWhileAWriteUnderItMayStillArrive(t *testing.T) {
	put := func(s *seal.Sealer, revision uint64) error {
		_, err := s.Put(t.Context(), seal.Binding{Bucket: connections, ID: "late"}, nil, time.Time{}, revision)
		return err
	}
	t.Run("it is under way", func(t *testing.T) {
		m := newMemory()
		s := mustOpen(t, m, testKey(t, 1))
		m.faultless()
		m.beforePut = func(n int, _ storage.Record) error {
			if n > 1 {
				return nil
			}
			mustAddPrimary(t, s)
			if got, want := mustRetire(t, s), (seal.Retirement{Recent: 1}); got != want {
				t.Errorf("Retire = %+v, want %+v", got, want)
			}
			return nil
		}
		if err := put(s, 0); err != nil {
			t.Fatal(err)
		}
		if got, want := mustRetire(t, s), (seal.Retirement{InUse: 1}); got != want {
			t.Errorf("when it has arrived: Retire = %+v, want %+v", got, want)
		}
		mustReseal(t, s)
		if got, want := mustRetire(t, s), (seal.Retirement{Dropped: 1}); got != want {
			t.Errorf("when it is sealed anew: Retire = %+v, want %+v", got, want)
		}
	})
	for name, tt := range map[string]struct {
		err  error
		want seal.Retirement
	}{
		"its outcome is not known":    {errCrash, seal.Retirement{Recent: 1}},
		"somebody else was faster":    {storage.ErrConflict, seal.Retirement{Dropped: 1}},
		"the storage is out of reach": {storage.ErrUnavailable, seal.Retirement{Recent: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			s := mustOpen(t, m, testKey(t, 1))
			m.beforePut = func(int, storage.Record) error { return tt.err }
			if err := put(s, 0); !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			m.faultless()
			mustAddPrimary(t, s)
			if got := mustRetire(t, s); got != tt.want {
				t.Errorf("Retire = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestVerifyNamesWhatDoesNotOpenAndWritesNothing(t *testing.T) {
	m := newMemory()
	fillByPut(t, mustOpen(t, m, testKey(t, 1)), 5)
	a, b := storage.Key{Bucket: connections, ID: "c00001"}, storage.Key{Bucket: connections, ID: "c00002"}
	ra, rb := m.records[a], m.records[b]
	ra.Value, rb.Value = rb.Value, ra.Value
	m.records[a], m.records[b] = ra, rb
	m.faultless()
	s, err := seal.OpenExisting(t.Context(), m, testKey(t, 1), connections, "consents")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Verify(t.Context())
	if err != nil || p.Checked != 5 || p.Skipped != 2 || m.puts != 0 {
		t.Errorf("%+v, %v after %d writes", p, err, m.puts)
	}
	fingerprint, err := seal.StoredFingerprint(t.Context(), m)
	if err != nil || fingerprint != testKey(t, 1).Fingerprint() {
		t.Errorf("fingerprint %s, %v", fingerprint, err)
	}
	empty := newMemory()
	if _, err := seal.OpenExisting(t.Context(), empty, testKey(t, 1), connections); !errors.Is(err, seal.ErrKeysetMissing) || empty.puts != 0 {
		t.Errorf("without a keyset: %v after %d writes", err, empty.puts)
	}
	if _, err := seal.StoredFingerprint(t.Context(), empty); !errors.Is(err, seal.ErrKeysetMissing) {
		t.Errorf("the fingerprint without a keyset: %v", err)
	}
}

// Each of some records opens in the place of none of the others.
func TestEverySwapOfTwoRecordsIsRefused(t *testing.T) {
	n := soaktest.Times(24, 300)
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	var bindings []seal.Binding
	var sealed [][]byte
	for i := range n {
		// Some ids and buckets would be the same if they were only joined.
		b := seal.Binding{Bucket: []string{connections, "consents"}[i%2], ID: fmt.Sprintf("a/%d", i/6), Generation: uint64(i % 6)}
		value, err := s.Seal(b, []byte("a token"))
		if err != nil {
			t.Fatal(err)
		}
		bindings, sealed = append(bindings, b), append(sealed, value)
	}
	swaps := 0
	for i, b := range bindings {
		for j, value := range sealed {
			if bindings[j].Bucket == b.Bucket && bindings[j].ID == b.ID {
				continue // its own past, which the generation tells
			}
			swaps++
			if _, _, err := s.Open(b.Bucket, b.ID, value); !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("record %d opens in the place of %d: %v", j, i, err)
			}
		}
	}
	if swaps < n*n/2 {
		t.Errorf("only %d swaps were tried", swaps)
	}
	t.Logf("%d swaps of %d records, each one refused", swaps, n)
}
