package custody_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
)

// Also where a copy of the keyset is to be mended, or added to a database of an earlier release, a wrong key writes nothing.
func TestAWrongKeyIsRefusedWithTheFileUntouched(t *testing.T) {
	key := newKey(t, 1)
	whole := newDatabase(t, key, 20)
	first, second := seal.KeysetKeys()
	damaged := mustGet(t, whole, second)
	damaged.Value[40] ^= 1
	tried := 0
	for name, path := range map[string]string{
		"whole":                          whole,
		"without the first keyset":       rebuilt(t, whole, first),
		"without the second keyset":      rebuilt(t, whole, second),
		"with the second keyset damaged": rebuilt(t, whole, second, damaged),
	} {
		before := sha256.Sum256(read(t, path))
		for range soaktest.Times(5, 200) {
			wrong, err := seal.GenerateKey(rand.Reader)
			must(t, err)
			for work, do := range map[string]func() error{
				"open":  func() error { _, err := openEngine(path, wrong); return err },
				"check": func() error { return custody.CheckKey(t.Context(), path, wrong) },
				"change the encryption key": func() error {
					return custody.ChangeKey(t.Context(), path, wrong, newKey(t, 3))
				},
				"restore": func() error {
					r := custody.Restore{Backup: path, Database: filepath.Join(t.TempDir(), "t.db"), Key: wrong, Now: now}
					_, err := r.Run(t.Context())
					return err
				},
			} {
				if err := do(); !errors.Is(err, seal.ErrWrongKey) {
					t.Errorf("%s, %s: %v", name, work, err)
				}
				if sha256.Sum256(read(t, path)) != before {
					t.Fatalf("%s, %s: the file was changed", name, work)
				}
				tried++
			}
		}
		if n := sound(t, path, key); n != 20 {
			t.Errorf("%s: %d records open with the right key", name, n)
		}
	}
	t.Logf("%d times a wrong key was refused, and the file had the same hash", tried)
}
