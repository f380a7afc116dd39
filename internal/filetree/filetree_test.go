package filetree

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

// failing is a directory of which some paths are listed, and opening them fails.
type failing struct {
	fs.FS
	with map[string]error
}

func (f failing) Open(path string) (fs.File, error) {
	if err := f.with[path]; err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f.FS.Open(path)
}

func TestRead(t *testing.T) {
	files := fstest.MapFS{"a": {Data: []byte("1")}, "locks/b": {Data: []byte("2")}, "z": {Data: []byte("3")}}
	for name, tt := range map[string]struct {
		with map[string]error
		read []string
		err  error
	}{
		"all are there":              {nil, []string{"a=1", "locks/b=2", "z=3"}, nil},
		"a file has vanished":        {map[string]error{"a": fs.ErrNotExist}, []string{"locks/b=2", "z=3"}, nil},
		"a directory has vanished":   {map[string]error{"locks": fs.ErrNotExist}, []string{"a=1", "z=3"}, nil},
		"a file may not be read":     {map[string]error{"locks/b": fs.ErrPermission}, []string{"a=1"}, fs.ErrPermission},
		"a directory may not either": {map[string]error{"locks": fs.ErrPermission}, []string{"a=1"}, fs.ErrPermission},
		"there is nothing at all":    {map[string]error{".": fs.ErrNotExist}, nil, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			var read []string
			n, err := Read(failing{files, tt.with}, func(path string, content []byte) { read = append(read, path+"="+string(content)) })
			if !slices.Equal(read, tt.read) || n != len(read) || !errors.Is(err, tt.err) {
				t.Errorf("read %d: %q, error %v; want %q, %v", n, read, err, tt.read, tt.err)
			}
		})
	}
}
