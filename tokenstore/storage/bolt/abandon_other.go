//go:build !unix || solaris || aix || android

package bolt

import "os"

// unlock has nothing to do: here the lock goes when the file is closed.
func unlock(*os.File) error { return nil }
