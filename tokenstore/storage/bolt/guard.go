package bolt

import (
	"fmt"
	"runtime/debug"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// guard calls fn, and turns a panic in it into an error. Everything that looks
// at bbolt's mapped memory must run in it: a damaged page makes bbolt panic,
// and a page that cannot be read is a signal that would end the process. The
// setting that makes a signal a panic is one of the calling goroutine only, so
// no goroutine can set it for another.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = panicError{value: p}
		}
	}()
	return fn()
}

// panicError is a panic that was caught by [guard].
type panicError struct{ value any }

func (e panicError) Error() string {
	return fmt.Sprintf("%v: %.200v", e.Unwrap(), e.value)
}

// Unwrap tells a page that could not be read, as on an I/O error, from one that
// was read and is wrong. The first may pass.
func (e panicError) Unwrap() error {
	if _, fault := e.value.(interface{ Addr() uintptr }); fault {
		return storage.ErrUnavailable
	}
	return storage.ErrDamaged
}
