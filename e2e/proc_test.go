package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// descriptors returns how many files the process has open, and how many of them are path.
func (c *caddyServer) descriptors(path string) (all, those int) {
	c.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && target == path {
			those++
		}
	}
	return len(entries), those
}

// goroutines returns how many goroutines Caddy has.
func (c *caddyServer) goroutines() (n int) {
	c.t.Helper()
	profile := c.admin(http.MethodGet, "/debug/pprof/goroutine?debug=1", nil, http.StatusOK)
	if _, err := fmt.Sscanf(string(profile), "goroutine profile: total %d", &n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// needsProc skips the test where there is no /proc with the files of a process.
func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		skipOrFail(t, "/proc")
	}
}
