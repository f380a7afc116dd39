package bolt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Whatever is in a file, it is read to its end.
func FuzzSalvageEnds(f *testing.F) {
	path := filepath.Join(f.TempDir(), "tokens.db")
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 20 {
		r := storage.Record{Key: storage.Key{Bucket: "b", ID: corruptID(i)}, Value: corruptValue(corruptID(i)), Due: time.Unix(1, 0)}
		if _, err := s.Put(bg, r); err != nil {
			f.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(0), []byte{0xff})
	f.Add(uint16(2*pageSize), []byte{3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 255, 255})
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		damaged := bytes.Clone(whole)
		copy(damaged[int(at)%len(damaged):], patch)
		file := filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(file, damaged, 0o600))
		got, err := bolt.Salvage(t.Context(), file, bolt.Options{}, "b")
		must(t, err)
		for _, r := range got.Records {
			if r.Key.Bucket == "b" && strings.HasPrefix(r.Key.ID, "connection-") && !bytes.Equal(r.Value, corruptValue(r.Key.ID)) {
				t.Errorf("%q has the value %q", r.Key.ID, r.Value)
			}
		}
	})
}
