package custody_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// childDatabase is the environment variable that makes the test binary a process which rotates keys.
const childDatabase = "TOKEN_CUSTODY_TEST_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childDatabase); path != "" {
		childRotate(path, newKey(new(testing.T), 1))
	}
	if dir := os.Getenv(childDamaged); dir != "" {
		childUse(dir, newKey(new(testing.T), 1))
	}
	leaktest.VerifyTestMain(m)
}

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

const connections = "connections"

// keysets is how many records have the keyset.
const keysets = 2

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB, digit byte) seal.Key {
	t.Helper()
	text := make([]byte, 64)
	for i := range text {
		text[i] = "0123456789abcdef"[(i+int(digit))%16]
	}
	key, err := seal.ParseKey(string(text))
	must(t, err)
	return key
}

func open(t *testing.T, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func id(i int) string { return fmt.Sprintf("acme/c%05d", i) }

// newDatabase makes a closed database of n sealed records.
func newDatabase(t *testing.T, key seal.Key, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.db")
	s := open(t, path)
	sealer, err := seal.Open(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	for i := range n {
		putSealed(t, s, sealer, i, "token")
	}
	must(t, s.Close())
	return path
}

func putSealed(t *testing.T, s *bolt.Store, sealer *seal.Sealer, i int, text string) {
	t.Helper()
	value, err := sealer.Seal(seal.Binding{Bucket: connections, ID: id(i), Generation: 1}, fmt.Appendf(nil, "%s %d", text, i))
	must(t, err)
	_, err = s.Put(t.Context(), storage.Record{Key: storage.Key{Bucket: connections, ID: id(i)}, Value: value, Due: now})
	must(t, err)
}

// sound returns how many records of a database open with the key, and fails if any does not.
func sound(t *testing.T, path string, key seal.Key) int {
	t.Helper()
	records, _ := soundAndKeys(t, path, key)
	return records
}

// soundAndKeys returns also how many keys the keyset has.
func soundAndKeys(t *testing.T, path string, key seal.Key) (records, keys int) {
	t.Helper()
	s := open(t, path)
	defer s.Close() //nolint:errcheck // only read
	sealer, err := seal.OpenExisting(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	p, err := sealer.Verify(t.Context())
	must(t, err)
	if p.Skipped > 0 {
		t.Errorf("%d records do not open: %v", p.Skipped, p.Problems[0])
	}
	return p.Checked, sealer.Keys()
}
