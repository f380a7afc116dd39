package custody

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// draft is a file that is not under its name yet. It is beside the place where it will be, so that it
// gets there in one step.
type draft struct {
	*os.File
	target string
}

// newDraft begins the file of that path, which must not be there.
func newDraft(target string) (*draft, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.new")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no directory %s; make it first, or mend the path: %w", filepath.Dir(target), fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	d := &draft{File: f, target: target}
	// CreateTemp asks for 0600, of which the umask may take bits away.
	if err := f.Chmod(0o600); err != nil {
		return nil, errors.Join(err, d.discard())
	}
	return d, nil
}

// discard removes what was written. After place it does nothing.
func (d *draft) discard() error {
	_ = d.Close() // what is in it is not wanted
	if err := os.Remove(d.Name()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// finish makes what was written durable, and closes the file.
func (d *draft) finish() error { return errors.Join(d.Sync(), d.Close()) }

// place gives the finished file its name. It returns an error that wraps ErrExists if somebody has it.
func (d *draft) place() error {
	// A link, since a rename would replace what is there.
	if err := os.Link(d.Name(), d.target); errors.Is(err, fs.ErrExist) {
		return exists(d.target)
	} else if err != nil {
		return fmt.Errorf("%w (the file system must support hard links: choose another place)", err)
	}
	return errors.Join(os.Remove(d.Name()), syncDir(filepath.Dir(d.target)))
}

// replace gives the finished file the name of another, which is called aside from then on. At no moment is there
// no file of that name.
func (d *draft) replace(aside string) error {
	if err := os.Link(d.target, aside); errors.Is(err, fs.ErrExist) {
		return exists(aside)
	} else if err != nil {
		return fmt.Errorf("keep the former file: %w (the file system must support hard links)", err)
	}
	// Should the power fail now, both names lead to the former file.
	if err := syncDir(filepath.Dir(aside)); err != nil {
		return err
	}
	if err := os.Rename(d.Name(), d.target); err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	return syncDir(filepath.Dir(d.target))
}

// succeed gives the finished file the name of another, which is no more from then on.
func (d *draft) succeed() error {
	return errors.Join(os.Rename(d.Name(), d.target), syncDir(filepath.Dir(d.target)))
}

// letGo closes what has a file open that is to be replaced, where the system replaces no open file. There another process
// may take it in the meantime, and replacing fails.
func letGo(release func() error) error {
	if runtime.GOOS == "windows" {
		return release()
	}
	return nil
}

// free returns an error that wraps ErrExists if there is anything at path.
func free(path string) error {
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	default:
		return exists(path)
	}
}

func exists(path string) error { return fmt.Errorf("%w: %s", ErrExists, path) }

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // has no such call
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
