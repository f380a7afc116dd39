package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// needs skips the test if a program that it runs is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			skipOrFail(t, program)
		}
	}
}

// skipOrFail skips the test. Where nobody reads the list of skipped tests, a
// skipped test is a failure.
func skipOrFail(t *testing.T, missing string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI=true forbids to skip this test", missing)
	}
	t.Skipf("SKIPPED: %s is missing", missing)
}
