package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// built tells whether the files in the page's directory are those that would be built now.
func (b builder) built() bool {
	want, err := os.ReadFile(b.fingerprintFile())
	if err != nil {
		return false
	}
	have, err := b.fingerprint()
	return err == nil && have == string(want)
}

// remember notes what was built, and from what.
func (b builder) remember() error {
	sum, err := b.fingerprint()
	if err != nil {
		return fmt.Errorf("look at the page that was built: %w", err)
	}
	return os.WriteFile(b.fingerprintFile(), []byte(sum), 0o600)
}

func (b builder) fingerprintFile() string { return b.dist() + ".sha256" }

// fingerprint is of the variables, of the sources, and of what was built: somebody who runs
// `npm run build` with other variables makes another page out of the same sources.
func (b builder) fingerprint() (string, error) {
	if _, err := os.Stat(filepath.Join(b.dist(), "index.html")); err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, v := range b.variables {
		_, _ = fmt.Fprintf(sum, "%q\n", v)
	}
	for _, tree := range []string{b.dir, b.dist()} {
		if err := addTree(sum, tree); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// notSources are what lies beside the page's sources.
var notSources = []string{"node_modules", "dist", "screenshots", "Caddyfile", "README.md"}

// addTree adds the name and the content of each file to sum, in the order of their names.
func addTree(sum hash.Hash, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != dir && filepath.Dir(path) == dir && slices.Contains(notSources, entry.Name()), filepath.Ext(path) == ".go":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		_, _ = fmt.Fprintf(sum, "%q\n", path)
		return addFile(sum, path)
	})
}

func addFile(sum hash.Hash, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	content := sha256.New() // of its own, so that no content can look like the next file's name
	if _, err := io.Copy(content, file); err != nil {
		return err
	}
	_, err = sum.Write(content.Sum(nil))
	return err
}
