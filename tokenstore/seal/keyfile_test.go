//go:build unix

package seal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestKeyFileIsPrivateWhateverTheUmask(t *testing.T) {
	umasks := []int{0o000, 0o022, 0o077, 0o277}
	t.Logf("a key file is made under %d umasks", len(umasks))
	for _, umask := range umasks {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "key")
			defer syscall.Umask(syscall.Umask(umask))
			key, created, err := seal.LoadOrCreateKeyFile(path)
			if err != nil || !created {
				t.Fatalf("created = %v, %v", created, err)
			}
			info, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o600 {
				t.Errorf("mode = %v, want -rw-------", info.Mode())
			}
			again, created, err := seal.LoadOrCreateKeyFile(path)
			if err != nil || created || !again.Equal(key) {
				t.Errorf("second call: created = %v, same = %v, %v", created, again.Equal(key), err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestKeyFileHoldsTheKeyInOneLineOfBase64(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key")
	key, _, err := seal.LoadOrCreateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != key.Reveal()+"\n" || len(text) != 45 {
		t.Error("the file holds something else")
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the new directory = %v, %v", info.Mode(), err)
	}
}

func TestProcessesThatCreateTheKeyFileAtOnceAgree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	keys, created := make([]seal.Key, 8), make([]bool, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], created[i], err = seal.LoadOrCreateKeyFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	creators := 0
	for i := range keys {
		if !keys[i].Equal(keys[0]) {
			t.Error("two keys")
		}
		if created[i] {
			creators++
		}
	}
	if creators != 1 {
		t.Errorf("%d callers believe they created the file", creators)
	}
}

func TestUnsafeKeyFilesAreRefused(t *testing.T) {
	write := func(path string, mode os.FileMode) error {
		return errors.Join(os.WriteFile(path, []byte(testKey(t, 1).Reveal()), 0o600), os.Chmod(path, mode))
	}
	tests := []struct {
		name string
		make func(dir, path string) error
		is   error
		says string
	}{
		{"readable by the group", func(_, path string) error { return write(path, 0o640) }, storage.ErrInsecure, "chmod 600"},
		{"readable by all", func(_, path string) error { return write(path, 0o604) }, storage.ErrInsecure, "chmod 600"},
		{"writable by all", func(_, path string) error { return write(path, 0o602) }, storage.ErrInsecure, "chmod 600"},
		{"a symbolic link to a good file", func(dir, path string) error {
			return errors.Join(write(filepath.Join(dir, "real"), 0o600), os.Symlink("real", path))
		}, storage.ErrInsecure, "symbolic link"},
		{"a symbolic link to nothing", func(_, path string) error { return os.Symlink("nothing", path) }, storage.ErrInsecure, "symbolic link"},
		{"in a directory where anyone may write", func(dir, path string) error {
			return errors.Join(write(path, 0o600), os.Chmod(dir, 0o777))
		}, storage.ErrInsecure, "chmod o-w"},
		{"a directory", func(_, path string) error { return os.Mkdir(path, 0o700) }, nil, "a directory"},
		{"a pipe that nobody writes to", func(_, path string) error { return syscall.Mkfifo(path, 0o600) }, nil, "not a regular file"},
		{"empty", func(_, path string) error { return os.WriteFile(path, nil, 0o600) }, seal.ErrInvalidKey, "empty"},
		{"a passphrase", func(_, path string) error { return os.WriteFile(path, []byte("open sesame"), 0o600) }, seal.ErrInvalidKey, "passphrase"},
		{"endless", func(_, path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("A", 1<<20)), 0o600)
		}, seal.ErrInvalidKey, "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "key")
			if err := tt.make(dir, path); err != nil {
				t.Fatal(err)
			}
			key, created, err := seal.LoadOrCreateKeyFile(path)
			if err == nil || created || !key.IsZero() {
				t.Fatalf("key %v, created %v, error %v", key, created, err)
			}
			if (tt.is != nil && !errors.Is(err, tt.is)) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q; want %v that says %q and the path", err, tt.is, tt.says)
			}
		})
	}
}

func TestAKeyFileWithAnyRightOfOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, _, err := seal.LoadOrCreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for rights := os.FileMode(1); rights <= 0o077; rights++ {
		if err := os.Chmod(path, 0o600|rights); err != nil {
			t.Fatal(err)
		}
		if key, _, err := seal.LoadOrCreateKeyFile(path); !errors.Is(err, storage.ErrInsecure) || !key.IsZero() || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: %v", 0o600|rights, err)
		}
		refused++
	}
	t.Logf("%d modes are refused", refused)
}

func TestMissingDirectoryThatCannotBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, created, err := seal.LoadOrCreateKeyFile(filepath.Join(file, "key")); err == nil || created {
		t.Errorf("created = %v, %v", created, err)
	}
}
