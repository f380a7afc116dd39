//go:build unix && !solaris && !aix && !android

package bolt

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// lockInterval is how often a lock that another process has is asked for.
const lockInterval = 50 * time.Millisecond

// lockFile takes the lock that bbolt takes, on a file of any content.
func lockFile(path string, timeout time.Duration) (release func() error, err error) {
	for range maxReplaced {
		f, err := lockOnce(path, timeout)
		if err != nil {
			return nil, err
		}
		opened, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if isAt(path, opened) {
			return f.Close, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s is replaced again and again", storage.ErrLocked, path)
}

// lockOnce locks the file that path leads to at first.
func lockOnce(path string, timeout time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|openFlags, 0)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += lockInterval {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(err, f.Close())
		case waited >= timeout:
			return nil, errors.Join(fmt.Errorf("%w: %s is open in another process; stop that one first", storage.ErrLocked, path), f.Close())
		}
		time.Sleep(lockInterval)
	}
}
