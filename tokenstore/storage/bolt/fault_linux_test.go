package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// sabotage exchanges the open file for one that can only be read, so that the
// next write fails for a reason that is not a lack of room.
func sabotage(t *testing.T, f *os.File) {
	t.Helper()
	reader, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := syscall.Dup3(int(reader.Fd()), int(f.Fd()), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

// smallDisk mounts a file system of one mebibyte.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("cannot mount a small file system: %v", err)
		}
		t.Skipf("SKIPPED: needs to mount a small file system, as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDiskFailsWritesOnlyAndOnlyWhileItIsFull(t *testing.T) {
	dir := smallDisk(t)
	s, err := Open(filepath.Join(dir, "tokens.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	old := s.file.current
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 400<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	stored := 0
	for ; err == nil; stored++ {
		r := named(fmt.Sprint(stored))
		r.Value = make([]byte, 16<<10)
		_, err = s.Put(t.Context(), r)
	}
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got error %v, want ErrUnavailable", err)
	}
	for i := range stored - 1 {
		if _, err := s.Get(t.Context(), named(fmt.Sprint(i)).Key); err != nil {
			t.Errorf("reading while the disk is full: %v", err)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), named("with room again")); err != nil {
		t.Error(err)
	}
	if s.file.current != old {
		t.Error("the file was opened again, although nothing was wrong with it")
	}
}

func TestDirectoryThatCannotBeWrittenIsNamed(t *testing.T) {
	dir := smallDisk(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "tokens.db"), filepath.Join(dir, "new", "tokens.db")} {
		_, err := Open(path, Options{})
		if want := "directory " + dir + " cannot be written"; !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that says %q", err, want)
		}
	}
}

func TestFailedCommitClosesTheFileAndOpensItAgain(t *testing.T) {
	var infos []CommitInfo
	s := openNew(t, Options{OnCommit: func(i CommitInfo) { infos = append(infos, i) }})
	events, err := s.Watch(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	old := s.file.current
	sabotage(t, old.file)
	if _, err := s.Put(t.Context(), named("a")); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("got error %v, want ErrUnavailable", err)
	}
	if _, err := s.Put(t.Context(), named("a")); err != nil {
		t.Fatalf("after reopening: %v", err)
	}
	if s.file.current == old {
		t.Error("the handle of the failed commit is still in use")
	}
	if e := <-events; !e.Missed {
		t.Errorf("first event after the failure is %+v, want Missed", e)
	}
	if err := s.Close(); err != nil { // after it, infos has no writer
		t.Fatal(err)
	}
	if len(infos) != 2 || infos[0].Err == nil || infos[1].Err != nil || infos[1].Operations != 1 {
		t.Errorf("OnCommit was told %+v, want a failure and a success", infos)
	}
}
