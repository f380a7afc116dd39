package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDocumentHasTheMarkers(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tables.Fill(file, ""); err != nil {
		t.Error(err)
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name       string
		v          verdict
		kept, sure bool
		word       string
	}{
		{"below, all of it", atMost(1, "", estimate{0.8, 0.7, 0.9}), true, true, "reached"},
		{"below, but not all of it", atMost(1, "", estimate{0.8, 0.7, 1.1}), true, false, "reached, not for sure"},
		{"above, but not all of it", atMost(1, "", estimate{1.1, 0.9, 1.2}), false, false, "**missed**, not for sure"},
		{"above, all of it", atMost(1, "", estimate{1.3, 1.2, 1.4}), false, true, "**missed**"},
		{"as much as it has to be", atLeast(1, "", estimate{1.3, 1.2, 1.4}), true, true, "reached"},
		{"as much, but not all of it", atLeast(1, "", estimate{1.3, 0.9, 1.4}), true, false, "reached, not for sure"},
		{"less, but not all of it", atLeast(1, "", estimate{0.9, 0.8, 1.2}), false, false, "**missed**, not for sure"},
		{"less, all of it", atLeast(1, "", estimate{0.8, 0.7, 0.9}), false, true, "**missed**"},
		{"in the noise", withinNoise("", estimate{1.1, 0.9, 1.2}), true, true, "reached"},
		{"a control", control("", estimate{1.3, 1.2, 1.4}), true, true, "a control"},
		{"out of the noise", withinNoise("", estimate{1.1, 1.05, 1.2}), false, true, "**missed**"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.v.Kept != test.kept || test.v.Sure != test.sure || test.v.word() != test.word {
				t.Errorf("%+v, %s", test.v, test.v.word())
			}
		})
	}
}

func TestEveryCompetitorHasItsRow(t *testing.T) {
	r := &results{Table: []comparison{{cell: cell{Connections: 16, Size: kibibyte}}}, Absent: []string{nginx}}
	for _, name := range []string{headerUp, haproxy} {
		s := &series{Name: name}
		for n := range fewest {
			s.Samples = append(s.Samples, sample{Rate: 1, P50: 2, P99: 3, CPU: float64(n + 1), Memory: 4})
		}
		r.Table[0].Series = append(r.Table[0].Series, s)
	}
	text := r.markdown()
	for _, want := range []string{"\n| 16 | header_up | 1.00 (1.00 to 1.00) ", "\n| 16 | haproxy | 1.00 ", "nginx is not installed", "does not count instructions"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
