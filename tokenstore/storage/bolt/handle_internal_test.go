package bolt

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A reader that is held up while a commit lets the file grow must not take it for one that was cut off: the file would be
// closed, and all writes that wait at that moment would fail.
func TestAFileThatGrowsMeanwhileHasNotShrunk(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "growing"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	h := &handle{file: file}
	const commits = 20_000
	grown := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				if err := h.checkSize(); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-grown:
					return
				default:
				}
			}
		})
	}
	for n := range int64(commits) {
		if err := file.Truncate(n + 1); err != nil {
			t.Error(err)
			break
		}
		h.noteSize()
	}
	close(grown)
	readers.Wait()
	if err := file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if h.checkSize() == nil {
		t.Error("a file that was cut off is not told")
	}
}
