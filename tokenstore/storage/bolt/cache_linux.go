package bolt

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCache asks the kernel to forget the pages of f that it believes to be on
// the disk. After a failed fsync some are not, although reading shows them: what
// was built on them would be lost with the power. It is a hint; where it is not
// followed, nothing is worse than without it.
func dropCache(f *os.File) {
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
