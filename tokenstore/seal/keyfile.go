package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// maxKeyFile bounds what is read of a file that may be anything.
const maxKeyFile = 4096

// LoadOrCreateKeyFile reads the key in the file path, or makes a new key and
// writes it there if no such file exists; created tells which. The file has
// mode 0600 whatever the umask, and holds the key in one line of base64. Its
// directory is made with mode 0700 if it is missing.
//
// A new file appears whole and durable or not at all, and never replaces
// another: of two processes that create it at once, both return the key of the
// first.
//
// An error wraps storage.ErrInsecure if path is a symbolic link or if others
// than the owner may read or replace it, and [ErrInvalidKey] if it holds no
// key. On Windows, permissions are not looked at.
func LoadOrCreateKeyFile(path string) (key Key, created bool, err error) {
	key, err = LoadKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	err = createKeyFile(path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return Key{}, false, fmt.Errorf("create key file %s: %w", path, err)
	}
	created = err == nil
	// Read it back even if it is ours: what the next start will find is what
	// this one must use.
	key, err = LoadKeyFile(path)
	if err != nil {
		return Key{}, false, err
	}
	return key, created, nil
}

// LoadKeyFile reads the key in the file path. An error wraps fs.ErrNotExist if there is none, and else is one
// of [LoadOrCreateKeyFile].
func LoadKeyFile(path string) (Key, error) {
	text, err := readPrivate(path)
	if err != nil {
		return Key{}, fmt.Errorf("key file %s: %w", path, err)
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// readPrivate returns the content of a file after making sure that it is a
// file and private. It looks before it opens, because opening a pipe may
// wait for ever, and compares after, because the name may have changed hands.
func readPrivate(path string) (string, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if err := checkPrivate(path, named); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // nothing was written
	opened, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !os.SameFile(named, opened) {
		return "", fmt.Errorf("%w: the file was replaced while it was opened", storage.ErrInsecure)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return string(text), err
}

func checkPrivate(path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: it is a symbolic link; name the file itself", storage.ErrInsecure)
	case mode.IsDir():
		return errors.New("it is a directory; name a file in it")
	case !mode.IsRegular():
		return errors.New("it is not a regular file")
	case runtime.GOOS == "windows":
		return nil
	case mode.Perm()&0o077 != 0:
		return fmt.Errorf("%w: others may read or write it (mode %04o); if nobody has, run: chmod 600 %s",
			storage.ErrInsecure, mode.Perm(), path)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	if dir.Mode().Perm()&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("%w: anyone may replace it; run: chmod o-w %s", storage.ErrInsecure, filepath.Dir(path))
	}
	return nil
}

// createKeyFile writes a new key under another name and links it to path when
// it is durable. A link, unlike a rename, does not replace what is there: it fails
// with fs.ErrExist.
func createKeyFile(path string) error {
	key, err := GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // only a second name, once linked
	if err := errors.Join(writeDurably(temp, key.Reveal()+"\n"), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func writeDurably(f *os.File, text string) error {
	// The umask may have taken the owner's rights as well.
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // has no such call
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
