package caddyproc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinesOfTheLogAreReadable(t *testing.T) {
	for line, want := range map[string]string{
		`{"level":"warn","ts":1.5,"logger":"token_store","msg":"refresh failed","status":503}`: `warn  token_store refresh failed  {"status":503}`,
		`{"level":"info","ts":1.5,"msg":"serving"}`:                                            "info  serving",
		"Error: no such file": "Error: no such file",
	} {
		if got := readable([]byte(line)); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestTheTailIsTheEndOfTheLog(t *testing.T) {
	var text strings.Builder
	for i := range 20 {
		text.WriteString("line " + strconv.Itoa(i) + "\n")
	}
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"line 12", "line 13", "line 14", "line 15", "line 16", "line 17", "line 18", "line 19"}
	if diff := cmp.Diff(want, LogTail(file)); diff != "" {
		t.Error(diff)
	}
}

func TestALogThatIsNotThereHasNoTail(t *testing.T) {
	if got := LogTail(filepath.Join(t.TempDir(), "log")); got != nil {
		t.Errorf("got %q", got)
	}
}
