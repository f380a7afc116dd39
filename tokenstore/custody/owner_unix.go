//go:build unix

package custody

import (
	"os"
	"syscall"
)

// ownedAs gives the draft, which is open, to the owner of a file: a command that root runs must not take the
// database away from Caddy's user.
func (d *draft) ownedAs(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return d.Chown(int(stat.Uid), int(stat.Gid))
}
