//go:build !linux && !darwin && !freebsd

package peer

import "errors"

// Supported reports whether this system tells who is at the other end of a unix socket.
const Supported = false

func uidOf(int) (uint32, error) { return 0, errors.ErrUnsupported }
