// Package filetree reads the files of a directory that a program is still at work in.
package filetree

import (
	"errors"
	"io/fs"
)

// Read calls look with the path and the content of each regular file, and returns how many there were. A file or a directory that
// is gone before it is read, since Caddy removes its locks and renames what it has written, counts as one that was never
// there; but not the directory itself. Whatever else cannot be read is an error.
func Read(files fs.FS, look func(path string, content []byte)) (read int, err error) {
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var content []byte
			if content, err = fs.ReadFile(files, path); err == nil {
				read++
				look(path, content)
			}
		}
		if path != "." && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return read, err
}
