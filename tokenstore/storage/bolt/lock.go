package bolt

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxReplaced is how often a file is opened again because another one was put in its place meanwhile, as
// a restore does: who waited for its lock has that of the former file then.
const maxReplaced = 5

// isAt reports whether path leads to an open file.
func isAt(path string, opened os.FileInfo) bool {
	info, err := os.Lstat(path)
	return err == nil && os.SameFile(info, opened)
}

// Lock keeps every store from opening the file at path, whatever is in it, until release is called. The
// error wraps [storage.ErrLocked] if one has it open, and [fs.ErrNotExist] if there is no file. Where the
// system has no such locks as Unix has, it only finds out whether a store has the file open.
func Lock(path string, o Options) (release func() error, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("lock token database %s: %w", path, err)
	}
	if err := checkRegular(os.Lstat(abs)); err != nil {
		return nil, fmt.Errorf("lock token database %s: %w", path, err)
	}
	release, err = lockFile(abs, o.lockTimeout())
	if err != nil {
		return nil, fmt.Errorf("lock token database: %w", err)
	}
	return release, nil
}
