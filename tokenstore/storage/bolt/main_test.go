package bolt_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// childMode is the environment variable that makes the test binary another
// process than that of the tests.
const childMode = "TOKEN_DATABASE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "hold":
		childHold(os.Args[1])
	case "write":
		childWrite(os.Args[1], os.Args[2])
	case "survive":
		childSurvive(os.Args[1:])
	default:
		leaktest.VerifyTestMain(m)
	}
}

// child prepares another process. Its standard error is that of the test.
func child(t *testing.T, mode string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	return cmd
}
