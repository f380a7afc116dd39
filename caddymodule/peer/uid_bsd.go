//go:build darwin || freebsd

package peer

import "golang.org/x/sys/unix"

// Supported reports whether this system tells who is at the other end of a unix socket.
const Supported = true

// solLocal is SOL_LOCAL: the level of options that belong to unix sockets.
const solLocal = 0

// uidOf returns the effective user id that the peer had when it connected.
func uidOf(fd int) (uint32, error) {
	cred, err := unix.GetsockoptXucred(fd, solLocal, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
