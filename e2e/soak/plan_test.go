package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryJobIsThere(t *testing.T) {
	seen := make(map[string]bool)
	for _, j := range plan() {
		if seen[j.Test] {
			t.Errorf("%s is done twice", j.Test)
		}
		seen[j.Test] = true
		dir := filepath.Join("..", j.Module, j.Package)
		all, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(all) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		var text strings.Builder
		for _, file := range all {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(raw)
		}
		if !strings.Contains(text.String(), "func "+j.Test+"(") {
			t.Errorf("there is no %s in %s", j.Test, dir)
		}
		if !strings.Contains(text.String(), "soaktest") {
			t.Errorf("%s does not know the flag -soak", dir)
		}
	}
}

func TestOnlyChooses(t *testing.T) {
	if n := len(chosen(plan(), regexp.MustCompile("^TestScale$"))); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if n := len(chosen(plan(), regexp.MustCompile(""))); n != len(plan()) {
		t.Errorf("%d jobs", n)
	}
}
