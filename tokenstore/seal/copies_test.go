package seal_test

import (
	"bytes"
	"errors"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// losses are ways in which one of the two copies of the keyset is of no use any more.
var losses = map[string]func(m *memory, key storage.Key){
	"it cannot be read": func(m *memory, key storage.Key) { m.damaged[key] = true },
	"a bit is flipped": func(m *memory, key storage.Key) {
		r := m.records[key]
		r.Value = bytes.Clone(r.Value)
		r.Value[30] ^= 1
		m.records[key] = r
	},
	"it is empty":  func(m *memory, key storage.Key) { m.records[key] = storage.Record{Key: key, Revision: 9} },
	"it is zeroed": func(m *memory, key storage.Key) { clear(m.records[key].Value) },
	"it is gone":   func(m *memory, key storage.Key) { delete(m.records, key) },
}

func inLosses(t *testing.T, test func(t *testing.T, m *memory, lost storage.Key)) {
	for _, key := range []storage.Key{keysetKey, spareKey} {
		for name, lose := range losses {
			t.Run(key.Bucket+": "+name, func(t *testing.T) {
				m := newMemory()
				s := mustOpen(t, m, testKey(t, 1))
				fill(t, s, m, 3)
				mustAddPrimary(t, s) // so that a copy of the first state would not do
				put(t, s, m, "c00000", 1, "token 0")
				m.faultless()
				lose(m, key)
				test(t, m, key)
			})
		}
	}
}

// checkWithEitherCopy opens all records with each of the copies of the keyset alone.
func checkWithEitherCopy(t *testing.T, m *memory, n int) {
	t.Helper()
	for _, lost := range []storage.Key{keysetKey, spareKey} {
		m := m.copied()
		m.damaged[lost] = true
		checkAll(t, mustOpen(t, m, testKey(t, 1)), m, n)
	}
}

func TestOneLostCopyOfTheKeysetCostsNothingAndIsMended(t *testing.T) {
	inLosses(t, func(t *testing.T, m *memory, lost storage.Key) {
		_, there := m.records[lost] // in a database of an earlier release the second one is not
		s := mustOpen(t, m, testKey(t, 1))
		checkAll(t, s, m, 3)
		if err := s.Damage(); err == nil && (there || lost == keysetKey) {
			t.Error("nothing was told")
		}
		if err := s.Damage(); err != nil {
			t.Errorf("told twice: %v", err)
		}
		checkWithEitherCopy(t, m, 3)
		puts := m.puts
		if err := mustOpen(t, m, testKey(t, 1)).Damage(); err != nil || m.puts != puts {
			t.Errorf("the next start: %v, %d writes", err, m.puts-puts)
		}
	})
}

func TestAWrongKeyMendsNothing(t *testing.T) {
	inLosses(t, func(t *testing.T, m *memory, lost storage.Key) {
		before, damaged := m.snapshot(), m.damaged[lost]
		if _, err := seal.Open(t.Context(), m, testKey(t, 2), connections); !errors.Is(err, seal.ErrWrongKey) {
			t.Errorf("Open = %v", err)
		}
		if s, err := seal.OpenExisting(t.Context(), m, testKey(t, 1), connections, "consents"); err != nil {
			t.Errorf("OpenExisting = %v", err)
		} else {
			checkAll(t, s, m, 3)
		}
		if got, err := seal.StoredFingerprint(t.Context(), m); err != nil || got != testKey(t, 1).Fingerprint() {
			t.Errorf("StoredFingerprint = %q, %v", got, err)
		}
		if diff := gocmp.Diff(before, m.snapshot()); diff != "" || m.puts != 0 || m.damaged[lost] != damaged {
			t.Errorf("%d writes: %s", m.puts, diff)
		}
	})
}

func TestNoKeysetIsMadeWhereBothCopiesAreLost(t *testing.T) {
	for first, loseFirst := range losses {
		for second, loseSecond := range losses {
			m := newMemory()
			mustOpen(t, m, testKey(t, 1)) // no records, so that only the copies can tell
			loseFirst(m, keysetKey)
			loseSecond(m, spareKey)
			m.faultless()
			want := storage.ErrDamaged
			if first == "it is gone" && second == first {
				continue // a new database
			}
			for name, open := range map[string]func() error{
				"Open": func() error {
					_, err := seal.Open(t.Context(), m, testKey(t, 1), connections)
					return err
				},
				"StoredFingerprint": func() error {
					_, err := seal.StoredFingerprint(t.Context(), m)
					return err
				},
			} {
				if err := open(); !errors.Is(err, want) || m.puts != 0 {
					t.Errorf("the first copy: %s; the second: %s: %s = %v after %d writes", first, second, name, err, m.puts)
				}
			}
		}
	}
}

func TestACreationThatDiesAtAnyWriteIsFinishedByTheNextStart(t *testing.T) {
	for at := 1; at <= 2; at++ {
		for name, fault := range map[string]func(*memory){
			"before": func(m *memory) { m.beforePut = func(i int, _ storage.Record) error { return dieAt(i, at) } },
			"after":  func(m *memory) { m.afterPut = func(i int) error { return dieAt(i, at) } },
		} {
			m := newMemory()
			fault(m)
			if _, err := seal.Open(t.Context(), m, testKey(t, 1), connections); !errors.Is(err, errCrash) {
				t.Fatalf("%s write %d: %v", name, at, err)
			}
			m.faultless()
			fill(t, mustOpen(t, m, testKey(t, 1)), m, 2)
			checkWithEitherCopy(t, m, 2)
		}
	}
}

func TestTheKeysetOfAnEarlierReleaseIsStoredASecondTime(t *testing.T) {
	m := newMemory()
	fill(t, mustOpen(t, m, testKey(t, 1)), m, 2)
	delete(m.records, spareKey)
	if err := mustOpen(t, m, testKey(t, 1)).Damage(); err != nil {
		t.Errorf("told %v", err)
	}
	checkWithEitherCopy(t, m, 2)
}

func TestOneCopyOfTheKeysetIsEnoughWhereTheOtherCannotBeWritten(t *testing.T) {
	inLosses(t, func(t *testing.T, m *memory, _ storage.Key) {
		m.beforePut = func(int, storage.Record) error { return storage.ErrUnavailable }
		s := mustOpen(t, m, testKey(t, 1))
		checkAll(t, s, m, 3)
		if err := s.Damage(); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("told %v", err)
		}
		if err := s.AddPrimary(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("AddPrimary = %v", err)
		}
		m.faultless()
		mustAddPrimary(t, s)
		checkWithEitherCopy(t, m, 3)
	})
}

// A change of the encryption key that dies at any write leaves a keyset that one of the two keys opens, whichever
// copy is left.
func TestARewrapThatDiesAtAnyWriteLeavesAKeyThatOpens(t *testing.T) {
	for at := 1; at <= 2; at++ {
		m := newMemory()
		s := mustOpen(t, m, testKey(t, 1))
		fill(t, s, m, 2)
		m.faultless()
		m.beforePut = func(i int, _ storage.Record) error { return dieAt(i, at) }
		if err := s.Rewrap(t.Context(), testKey(t, 2)); !errors.Is(err, errCrash) {
			t.Fatalf("write %d: %v", at, err)
		}
		m.faultless()
		before := m.snapshot()
		if _, err := seal.Open(t.Context(), m, testKey(t, 2), connections); !errors.Is(err, seal.ErrWrongKey) || m.puts != 0 {
			t.Errorf("write %d, the new key: %v after %d writes", at, err, m.puts)
		}
		if diff := gocmp.Diff(before, m.snapshot()); diff != "" {
			t.Error(diff)
		}
		s = mustOpen(t, m, testKey(t, 1))
		if err := s.Damage(); err != nil {
			t.Errorf("told %v", err)
		}
		checkWithEitherCopy(t, m, 2)
		if err := s.Rewrap(t.Context(), testKey(t, 2)); err != nil {
			t.Error(err)
		}
	}
}

// Another process that opens the store between the two writes believes the first copy, as it was, and mends the second.
func TestACopyThatAnotherProcessHasMendedMeanwhileIsWrittenAgain(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, 2)
	m.faultless()
	m.beforePut = func(_ int, r storage.Record) error {
		if r.Key == keysetKey {
			m.faultless()
			mustOpen(t, m, testKey(t, 1))
		}
		return nil
	}
	mustAddPrimary(t, s)
	m.faultless()
	put(t, s, m, "c00000", 1, "token 0")
	checkWithEitherCopy(t, m, 2)
}
