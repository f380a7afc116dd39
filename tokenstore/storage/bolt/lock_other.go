//go:build !unix || solaris || aix || android

package bolt

import (
	"errors"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// lockFile finds out whether a store has the file. It cannot keep one from taking it later.
func lockFile(path string, timeout time.Duration) (release func() error, err error) {
	s, err := Open(path, Options{LockTimeout: timeout})
	if errors.Is(err, storage.ErrLocked) {
		return nil, err
	}
	if err == nil {
		err = s.Close()
	}
	if errors.Is(err, storage.ErrDamaged) {
		err = nil // then nobody has it
	}
	return func() error { return nil }, err
}
