//go:build !unix

package bolt

import "io/fs"

// Where files have access control lists instead of modes, the file inherits
// those of its directory, and choosing that directory is up to the operator.

const openFlags = 0

func checkDir(string) error { return nil }

func checkPrivate(string, fs.FileInfo) error { return nil }

func syncDir(string) error { return nil }
