//go:build unix

package bolt_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

func TestNewFilesArePrivateWhateverTheUmask(t *testing.T) {
	looked := 0
	for _, umask := range []int{0o000, 0o022, 0o077, 0o777} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			path := filepath.Join(dir, "tokens.db")
			defer syscall.Umask(syscall.Umask(umask))
			mustOpen(t, path)
			for name, want := range map[string]fs.FileMode{path: 0o600, dir: 0o700, filepath.Dir(dir): 0o700} {
				info, err := os.Stat(name)
				must(t, err)
				if info.Mode().Perm() != want {
					t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), want)
				}
				looked++
			}
			wantNoTemporaryFiles(t, path)
		})
	}
	t.Logf("%d files and directories are private", looked)
}

func TestOpenRefusesAFileWithAnyRightOfOthers(t *testing.T) {
	path := newPath(t)
	must(t, mustOpen(t, path).Close())
	refused := 0
	for rights := fs.FileMode(1); rights <= 0o077; rights++ {
		must(t, os.Chmod(path, 0o600|rights))
		if _, err := bolt.Open(path, bolt.Options{}); !errors.Is(err, storage.ErrInsecure) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: %v", 0o600|rights, err)
		}
		refused++
	}
	t.Logf("%d modes are refused", refused)
}

func TestOpenRefusesFilesThatOthersCanReach(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, path string)
		remedy string
	}{
		{"readable by the group", chmodFile(0o640), "chmod 600 "},
		{"readable by all", chmodFile(0o604), "chmod 600 "},
		{"writable by the group", chmodFile(0o620), "chmod 600 "},
		{"in a directory that all may write", chmodDir(0o777), "chmod o-w "},
		{"a symbolic link", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
		}, "path of the file itself"},
		{"a dangling symbolic link", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Symlink(path+".real", path))
		}, "path of the file itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := newPath(t)
			must(t, mustOpen(t, path).Close())
			test.change(t, path)
			_, err := bolt.Open(path, bolt.Options{})
			if !errors.Is(err, storage.ErrInsecure) {
				t.Fatalf("got error %v, want ErrInsecure", err)
			}
			for _, part := range []string{path, test.remedy} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestOpenRefusesToCreateInADirectoryThatAllMayWrite(t *testing.T) {
	path := newPath(t)
	chmodDir(0o777)(t, path)
	if _, err := bolt.Open(path, bolt.Options{}); !errors.Is(err, storage.ErrInsecure) {
		t.Errorf("got error %v, want ErrInsecure", err)
	}
	chmodDir(0o777|fs.ModeSticky)(t, path) // like /tmp
	mustOpen(t, path)
}

func TestOpenRefusesAPipe(t *testing.T) {
	path := newPath(t)
	must(t, syscall.Mkfifo(path, 0o600))
	if _, err := bolt.Open(path, bolt.Options{}); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("got error %v, want one about a regular file", err)
	}
}

func chmodFile(mode fs.FileMode) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.Chmod(path, mode)) }
}

func chmodDir(mode fs.FileMode) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.Chmod(filepath.Dir(path), mode)) }
}
