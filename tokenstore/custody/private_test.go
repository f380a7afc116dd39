//go:build unix

package custody_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
)

func TestWhatIsWrittenIsPrivateWhateverTheUmask(t *testing.T) {
	key := newKey(t, 1)
	database, looked := newDatabase(t, key, 3), 0
	for _, umask := range []int{0o000, 0o022, 0o077, 0o777} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			dir := t.TempDir()
			defer syscall.Umask(syscall.Umask(umask))
			backup, restored := filepath.Join(dir, "backup.db"), filepath.Join(dir, "restored.db")
			_, err := custody.SaveOffline(t.Context(), database, backup, nil)
			must(t, err)
			for range 2 { // the second time over the first
				_, err = custody.Restore{Backup: backup, Database: restored, Key: key, Now: now, Replace: true}.Run(t.Context())
				must(t, err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			must(t, err)
			if len(files) != 3 {
				t.Errorf("there are %q", files)
			}
			for _, file := range files {
				info, err := os.Stat(file)
				must(t, err)
				if info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %04o", file, info.Mode().Perm())
				}
				looked++
			}
		})
	}
	t.Logf("%d files are private", looked)
}
