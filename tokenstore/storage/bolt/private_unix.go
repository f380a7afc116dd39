//go:build unix

package bolt

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// openFlags make opening fail if the last part of the path has become a
// symbolic link after it was looked at.
const openFlags = syscall.O_NOFOLLOW

const othersMayWrite fs.FileMode = 0o002

// checkDir refuses a directory in which anybody may replace the file. In one
// with the sticky bit, like /tmp, only the owner of the file may.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode()&othersMayWrite != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("%w: every user may replace files in %s; run: chmod o-w %s", storage.ErrInsecure, dir, dir)
	}
	return nil
}

// checkPrivate refuses a file that others than its owner may read or write.
func checkPrivate(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: %s has mode %04o; run: chmod 600 %s", storage.ErrInsecure, path, mode, path)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	// In a directory like /tmp, anybody may put a file of theirs in our way,
	// and root would open it.
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && dir.Mode()&othersMayWrite != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: %s belongs to user %d, in a directory that every user may write; move it to a directory of your own", storage.ErrInsecure, path, stat.Uid)
	}
	return nil
}

// syncDir makes the entries of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // nothing was written through it
	return d.Sync()
}
