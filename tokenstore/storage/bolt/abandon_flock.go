//go:build unix && !solaris && !aix && !android

package bolt

import (
	"os"
	"syscall"
)

// unlock releases bbolt's lock on f. Closing f alone would not do that while the
// file is still mapped, since the mapping keeps the open file alive.
func unlock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}
