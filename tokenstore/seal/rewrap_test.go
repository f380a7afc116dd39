package seal_test

import (
	"errors"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestRewrapChangesTheOperatorsKeyOnly(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	fill(t, s, m, 3)
	before := m.snapshot()
	if err := s.Rewrap(t.Context(), testKey(t, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(t.Context(), m, testKey(t, 1), connections); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("with the former key: %v; want ErrWrongKey", err)
	}
	checkAll(t, mustOpen(t, m, testKey(t, 2)), m, 3)
	delete(before, keysetKey)
	delete(before, spareKey)
	after := m.snapshot()
	delete(after, keysetKey)
	delete(after, spareKey)
	if diff := gocmp.Diff(before, after); diff != "" {
		t.Error("records changed: ", diff)
	}
	mustAddPrimary(t, s) // the Sealer goes on with the new key
	checkAll(t, mustOpen(t, m, testKey(t, 2)), m, 3)
	if err := s.Rewrap(t.Context(), seal.Key{}); !errors.Is(err, seal.ErrInvalidKey) {
		t.Errorf("Rewrap without a key = %v", err)
	}
}

func TestRewrapOfUnknownOutcomeIsSettledByAnother(t *testing.T) {
	for name, fault := range map[string]func(*memory){
		"it was stored":     func(m *memory) { m.afterPut = func(int) error { return errCrash } },
		"it was not stored": func(m *memory) { m.beforePut = func(int, storage.Record) error { return errCrash } },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			s := mustOpen(t, m, testKey(t, 1))
			fill(t, s, m, 1)
			fault(m)
			if err := s.Rewrap(t.Context(), testKey(t, 2)); !errors.Is(err, errCrash) {
				t.Fatalf("Rewrap = %v", err)
			}
			m.faultless()
			checkAll(t, s, m, 1)
			if err := s.Rewrap(t.Context(), testKey(t, 2)); err != nil {
				t.Fatal(err)
			}
			mustAddPrimary(t, s)
			checkAll(t, mustOpen(t, m, testKey(t, 2)), m, 1)
		})
	}
}

func TestRewrapWithAWrongFormerKeyChangesNothing(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 1))
	original := m.snapshot()
	if err := mustOpen(t, m, testKey(t, 1)).Rewrap(t.Context(), testKey(t, 2)); err != nil {
		t.Fatal(err)
	}
	before := m.snapshot()
	if err := s.Rewrap(t.Context(), testKey(t, 3)); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("Rewrap = %v; want ErrWrongKey", err)
	}
	if diff := gocmp.Diff(before, m.snapshot()); diff != "" {
		t.Error(diff)
	}

	m.records = original // somebody restores the backup
	mustAddPrimary(t, s)
	mustOpen(t, m, testKey(t, 1))
}
