package powercut_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
)

func mount(t *testing.T, o powercut.Options) *powercut.Disk {
	t.Helper()
	d, err := powercut.Mount(t.TempDir(), o)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids to skip this test: mounting through FUSE: %v", err)
		}
		t.Skipf("SKIPPED: needs to mount through FUSE: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// shell runs a script in the directory of the disk, in a process of its own.
func shell(d *powercut.Disk, script string) (string, error) {
	// Not with cmd.Dir: between fork and exec the child would wait for a file system of this process, and
	// this process for the child.
	cmd := exec.Command("sh", "-ec", "cd \"$0\"; "+script, d.Dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTheLogTellsWhatAProcessDid(t *testing.T) {
	d := mount(t, powercut.Options{Record: true})
	out, err := shell(d, "printf old > a; echo kept >> notes; sync -d a; ln a b; mv a c; rm b; truncate -s 1 c; sync .; cat c")
	if err != nil || out != "o" {
		t.Fatalf("%v: %q", err, out)
	}
	want := powercut.Log{
		{Kind: powercut.Name, File: 1, To: "a"},
		{Kind: powercut.Write, File: 1, Data: []byte("old")},
		{Kind: powercut.Note, To: "kept"},
		{Kind: powercut.Sync, File: 1},
		{Kind: powercut.Name, File: 1, To: "b"},
		{Kind: powercut.Rename, File: 1, From: "a", To: "c"},
		{Kind: powercut.Unname, To: "b"},
		{Kind: powercut.Resize, File: 1, Size: 1},
		{Kind: powercut.SyncDir},
	}
	got := d.Log()
	for i := range got {
		got[i].Data = slices.Clip(got[i].Data)
		if len(got[i].Data) == 0 {
			got[i].Data = nil
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADiskThatFailsRefusesChangesOnly(t *testing.T) {
	var full atomic.Bool
	d := mount(t, powercut.Options{Before: func(powercut.Event) syscall.Errno {
		if full.Load() {
			return syscall.ENOSPC
		}
		return 0
	}})
	if out, err := shell(d, "printf old > a"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	full.Store(true)
	if out, err := shell(d, "printf new > b"); err == nil || !strings.Contains(out, "No space") {
		t.Errorf("a new file on a full disk: %v: %q", err, out)
	}
	if out, err := shell(d, "cat a; echo kept >> notes"); err != nil || out != "old" {
		t.Errorf("reading while the disk is full: %v: %q", err, out)
	}
	full.Store(false)
	if out, err := shell(d, "printf new > a; cat a"); err != nil || out != "new" {
		t.Errorf("with room again: %v: %q", err, out)
	}
	if _, err := os.Stat(filepath.Join(d.Dir, "b")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was refused is there: %v", err)
	}
}
