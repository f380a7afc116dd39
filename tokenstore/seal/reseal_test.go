package seal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestDamagedRecordsAreReportedAndStopNothing(t *testing.T) {
	const n, damaged = 60, 25
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, n)
	for i := range damaged {
		key := storage.Key{Bucket: connections, ID: fmt.Sprintf("c%05d", 2*i)}
		r := m.records[key]
		switch i % 3 {
		case 0:
			r.Value = nil // what List returns for a record that cannot be read
		case 1:
			r.Value[len(r.Value)-1] ^= 1
		case 2:
			r.Value[10] ^= 1 // the id of the key
		}
		m.records[key] = r
	}
	mustAddPrimary(t, s)
	before := m.snapshot()
	progress := mustReseal(t, s)
	if progress.Checked != n || progress.Resealed != n-damaged || progress.Skipped != damaged || len(progress.Problems) != 20 {
		t.Errorf("progress %+v", progress)
	}
	if err := progress.Problems[0]; !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), `"c00000" in bucket "connections"`) {
		t.Errorf("first problem: %v", err)
	}
	for i := range damaged {
		key := storage.Key{Bucket: connections, ID: fmt.Sprintf("c%05d", 2*i)}
		if diff := gocmp.Diff(before[key], m.snapshot()[key]); diff != "" {
			t.Errorf("a damaged record was written to: %s", diff)
		}
	}
	// What cannot be read may need any of the keys.
	s = mustOpen(t, m, testKey(t, 1))
	if got, want := mustRetire(t, s), (seal.Retirement{InUse: 1, Unreadable: 17}); got != want || s.Keys() != 2 {
		t.Errorf("Retire = %+v, want %+v", got, want)
	}
}

func TestResealNeverOverwritesAChangeMadeMeanwhile(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	stale := mustOpen(t, m, testKey(t, 1)) // a process that has not reloaded
	fill(t, s, m, 3)
	mustAddPrimary(t, s)
	m.faultless()
	m.beforePut = func(n int, _ storage.Record) error {
		switch n {
		case 1: // of the first record, which changes under the old key
			put(t, stale, m, "c00000", 90, "newer")
		case 3: // of the second, which changes under the new one
			put(t, s, m, "c00001", 91, "newest")
		case 4: // of the third, which goes away
			m.mu.Lock()
			delete(m.records, storage.Key{Bucket: connections, ID: "c00002"})
			m.mu.Unlock()
		}
		return nil
	}
	if diff := gocmp.Diff(seal.Progress{Checked: 3, Resealed: 1}, mustReseal(t, s)); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string]string{"c00000": "newer", "c00001": "newest"} {
		plaintext, _, err := s.Open(connections, id, m.snapshot()[storage.Key{Bucket: connections, ID: id}].Value)
		if err != nil || string(plaintext) != want {
			t.Errorf("%s: %q, %v", id, plaintext, err)
		}
	}
	if _, ok := m.snapshot()[storage.Key{Bucket: connections, ID: "c00002"}]; ok {
		t.Error("a deleted record came back")
	}
}

func TestARecordThatNeverRestsIsSkipped(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, 2)
	mustAddPrimary(t, s)
	m.beforePut = func(_ int, r storage.Record) error {
		if r.Key.ID == "c00000" {
			return storage.ErrConflict
		}
		return nil
	}
	progress := mustReseal(t, s)
	if progress.Resealed != 1 || progress.Skipped != 1 || !errors.Is(progress.Problems[0], storage.ErrConflict) {
		t.Errorf("progress %+v", progress)
	}
}

func TestResealFollowsARotationByAnotherProcess(t *testing.T) {
	m := newMemory()
	a, b := mustOpen(t, m, testKey(t, 1)), mustOpen(t, m, testKey(t, 1))
	fill(t, a, m, 2)
	mustAddPrimary(t, a)
	m.faultless()
	m.beforePut = func(n int, _ storage.Record) error {
		if n == 1 { // while a reseals the first record, b rotates and changes it
			mustAddPrimary(t, b)
			put(t, b, m, "c00000", 1, "token 0")
		}
		return nil
	}
	if progress := mustReseal(t, a); progress.Skipped != 0 {
		t.Errorf("progress %+v", progress)
	}
	checkAll(t, b, m, 2)
}

// What can be opened and not be stored is no record that cannot be read: to seal that anew does not help, and the key that it
// needs is not dropped.
func TestWhatDamageDoesNotLetBeStoredIsToldWhenTheOthersAreSealedAnew(t *testing.T) {
	const n = 300 // more than a page
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fillByPut(t, s, n)
	mustAddPrimary(t, s)
	stuck := map[string]bool{"c00002": true, "c00290": true}
	m.beforePut = func(_ int, r storage.Record) error {
		if stuck[r.Key.ID] {
			return storage.ErrDamaged
		}
		return nil
	}
	for attempt, resealed := range []int{n - len(stuck), 0} {
		progress, err := s.Reseal(t.Context(), seal.ResealOptions{Parallel: 8})
		t.Logf("attempt %d: %+v, %v", attempt+1, progress, err)
		if diff := gocmp.Diff(seal.Progress{Checked: n, Resealed: resealed}, progress); diff != "" {
			t.Error(diff)
		}
		if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), `"c00002"`) || !strings.Contains(err.Error(), "(and 1 more)") {
			t.Errorf("the error is %v", err)
		}
	}
	if got, want := mustRetire(t, s), (seal.Retirement{InUse: 1}); got != want {
		t.Errorf("Retire = %+v, want %+v", got, want)
	}
	m.faultless()
	stuck = nil
	mustReseal(t, s)
	if got, want := mustRetire(t, s), (seal.Retirement{Dropped: 1}); got != want {
		t.Errorf("without the damage: Retire = %+v, want %+v", got, want)
	}
	checkAll(t, s, m, n)
}
