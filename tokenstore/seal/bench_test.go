package seal_test

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

func BenchmarkSeal2KiB(b *testing.B) {
	s := mustOpen(b, newMemory(), testKey(b, 1))
	plaintext := make([]byte, 2048)
	b.SetBytes(int64(len(plaintext)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(seal.Binding{Bucket: connections, ID: "dropbox/auth", Generation: 1}, plaintext); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen2KiB(b *testing.B) {
	s := mustOpen(b, newMemory(), testKey(b, 1))
	sealed := mustSeal(b, s, "dropbox/auth", 1, string(make([]byte, 2048)))
	b.SetBytes(2048)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Open(connections, "dropbox/auth", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
