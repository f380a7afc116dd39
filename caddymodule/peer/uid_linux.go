package peer

import "golang.org/x/sys/unix"

// Supported reports whether this system tells who is at the other end of a unix socket.
const Supported = true

// uidOf returns the effective user id that the peer had when it connected.
func uidOf(fd int) (uint32, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
