package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestASimulatedProcessorCountsInstructions fails if the counts are those of nothing, or of something else than the requests.
func TestASimulatedProcessorCountsInstructions(t *testing.T) {
	needs(t, valgrind)
	b := newTestBench(t)
	found, err := b.simulate(t.Context(), 32, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found.Series {
		n := instructions.of(s)
		t.Logf("%s: %s instructions a request, of %d turns", s.Name, n, len(s.Samples))
		// Each of its hundreds of allocations takes some hundred instructions.
		if n.Median < 50_000 || n.Median > 5_000_000 {
			t.Errorf("%s: %s instructions a request", s.Name, n)
		}
	}
}

func TestACountIsTakenFromADump(t *testing.T) {
	for _, test := range []struct {
		name, dump string
		want       int64
	}{
		{"the total is taken", "events: Ir\nsummary: 5\n\nfn=(1)\n1 42\n\ntotals: 42\n", 42},
		{"a dump that valgrind has not finished is none", "events: Ir\nsummary: 5\n", 0},
		{"a total that is no number is none", "totals: many\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, countFile+".1")
			if err := os.WriteFile(file, []byte(test.dump), 0o600); err != nil {
				t.Fatal(err)
			}
			n, err := takeCount(dir)
			if n != test.want || (err == nil) != (test.want > 0) {
				t.Errorf("%d, %v", n, err)
			}
			if n, err := takeCount(dir); test.want > 0 && err == nil {
				t.Errorf("%d was taken twice", n)
			}
		})
	}
}
