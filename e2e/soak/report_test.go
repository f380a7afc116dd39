package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResultsGoIntoTheDocumentAndTheFile(t *testing.T) {
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	document, file := filepath.Join(dir, "reliability.md"), filepath.Join(dir, "result.json")
	if err := os.WriteFile(document, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &results{Outcomes: []outcome{
		{Test: "TestX", Passed: true, Seconds: 61, Printed: []string{"500 kills | 0 lost", "12 more"}},
		{Test: "TestY", Problem: "it was skipped", Printed: []string{"1"}},
	}}
	var out strings.Builder
	if err := r.publish(&out, file, document); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2 failed", `| TestX | 61 | 500 kills \| 0 lost<br>12 more |`, "| TestY | 0 | **failed** 1 |"} {
		if !strings.Contains(string(got), want) || !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back results
	if err := json.Unmarshal(raw, &back); err != nil || back.failed() != 1 || back.Outcomes[1].Problem != "it was skipped" {
		t.Errorf("%+v, %v", back, err)
	}
}
