//go:build !linux

package bolt

import "os"

// dropCache does nothing where there is no portable way to do it.
func dropCache(*os.File) {}
