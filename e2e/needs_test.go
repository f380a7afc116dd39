package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// needs skips the test if a program that it runs is missing. Where nobody reads
// the list of skipped tests, a skipped test is a failure.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing, and CI=true forbids to skip this test; install it", program)
		}
		t.Skipf("SKIPPED: %s is missing; install it to run this test", program)
	}
}
