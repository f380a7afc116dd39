package seal_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestWhatWasSealedOpensAgainAlsoAfterARestart(t *testing.T) {
	m := newMemory()
	sealed := mustSeal(t, mustOpen(t, m, testKey(t, 1)), "dropbox/auth", 7, "a token")
	plaintext, generation, err := mustOpen(t, m, testKey(t, 1)).Open(connections, "dropbox/auth", sealed)
	if err != nil || string(plaintext) != "a token" || generation != 7 {
		t.Errorf("Open = %q, %d, %v", plaintext, generation, err)
	}
	if m.puts != 2 {
		t.Errorf("%d writes, want those of the keyset's two copies", m.puts)
	}
}

func TestStorageHoldsNoPlaintextAndNoKey(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, testKey(t, 0x41))
	put(t, s, m, "a", 1, "the canary token")
	for key, r := range m.snapshot() {
		for _, secret := range []string{"canary", strings.Repeat("\x41", 16)} {
			if bytes.Contains(r.Value, []byte(secret)) {
				t.Errorf("%v holds %q", key, secret)
			}
		}
	}
}

func TestEveryFlippedBitOfARecordIsDamage(t *testing.T) {
	s := mustOpen(t, newMemory(), testKey(t, 1))
	records, flips := soaktest.Times(10, 35), 0
	for length := range records {
		sealed := mustSeal(t, s, "a", 3, strings.Repeat("token ", 3*length))
		for bit := range 8 * len(sealed) {
			flipped := bytes.Clone(sealed)
			flipped[bit/8] ^= 1 << (bit % 8)
			if got, _, err := s.Open(connections, "a", flipped); !errors.Is(err, storage.ErrDamaged) || got != nil {
				t.Errorf("%d bytes, bit %d: %q, %v; want ErrDamaged", len(sealed), bit, got, err)
			}
			flips++
		}
	}
	t.Logf("%d flipped bits in %d records, each one refused", flips, records)
}

func TestEveryTruncationOrExtensionIsDamage(t *testing.T) {
	s := mustOpen(t, newMemory(), testKey(t, 1))
	sealed := mustSeal(t, s, "a", 3, "a token")
	for n := range sealed {
		if _, _, err := s.Open(connections, "a", sealed[:n]); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("first %d bytes: %v; want ErrDamaged", n, err)
		}
	}
	for name, damaged := range map[string][]byte{
		"nil":              nil,
		"one byte more":    append(bytes.Clone(sealed), 0),
		"zeroes":           make([]byte, len(sealed)),
		"doubled":          append(bytes.Clone(sealed), sealed...),
		"the whole keyset": wrappedKeyset(t, testKey(t, 1)),
	} {
		if _, _, err := s.Open(connections, "a", damaged); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%s: %v; want ErrDamaged", name, err)
		}
	}
}

func TestARecordOpensNowhereElse(t *testing.T) {
	s := mustOpen(t, newMemory(), testKey(t, 1))
	other := mustOpen(t, newMemory(), testKey(t, 1))
	sealed := mustSeal(t, s, "b:c", 1, "a token")
	tests := []struct {
		name       string
		sealer     *seal.Sealer
		bucket, id string
	}{
		{"under another id", s, connections, "b:d"},
		{"in another bucket", s, "consents", "b:c"},
		{"with the border between bucket and id moved", s, connections + "b", ":c"},
		{"in another store of the same operator", other, connections, "b:c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _, err := tt.sealer.Open(tt.bucket, tt.id, sealed); !errors.Is(err, storage.ErrDamaged) || got != nil {
				t.Errorf("%q, %v; want ErrDamaged", got, err)
			}
		})
	}
}

func TestARecordOfANewerVersionIsNotCalledDamaged(t *testing.T) {
	s := mustOpen(t, newMemory(), testKey(t, 1))
	newer := mustSeal(t, s, "a", 1, "a token")
	newer[0] = 2
	newer[len(newer)-1] ^= 1 // sealed in a way this version does not know
	_, _, err := s.Open(connections, "a", newer)
	if !errors.Is(err, seal.ErrNewerFormat) || errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("%v; want ErrNewerFormat", err)
	}
}

func TestSealRefusesWhatRetireWouldNotSee(t *testing.T) {
	s := mustOpen(t, newMemory(), testKey(t, 1))
	for _, b := range []seal.Binding{{Bucket: connections}, {ID: "a"}, {Bucket: "forgotten", ID: "a"}, {Bucket: seal.MetaBucket, ID: "a"}} {
		if _, err := s.Seal(b, nil); !errors.Is(err, seal.ErrBinding) {
			t.Errorf("Seal for %+v = %v; want ErrBinding", b, err)
		}
	}
	for _, buckets := range [][]string{nil, {""}, {"a", seal.MetaBucket}} {
		if _, err := seal.Open(t.Context(), newMemory(), testKey(t, 1), buckets...); !errors.Is(err, seal.ErrBinding) {
			t.Errorf("Open with the buckets %q = %v; want ErrBinding", buckets, err)
		}
	}
}

func TestNoncesDoNotRepeat(t *testing.T) {
	const seals = 1 << 16
	s := mustOpen(t, newMemory(), testKey(t, 1))
	seen := make(map[[24]byte]bool, seals)
	for range seals {
		// format version and generation, Tink's prefix, then salt and nonce
		nonce := [24]byte(mustSeal(t, s, "a", 1, "")[9+5:])
		if seen[nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[nonce] = true
	}
}

func FuzzOpenRefusesForeignBytes(f *testing.F) {
	m := newMemory()
	s, err := seal.Open(context.Background(), m, testKey(f, 1), connections)
	if err != nil {
		f.Fatal(err)
	}
	good := mustSeal(f, s, "a", 1, "a token")
	f.Add([]byte{})
	f.Add(good[:len(good)-1])
	f.Add(append([]byte{2}, good[1:]...))
	f.Add(m.records[keysetKey].Value)
	f.Fuzz(func(t *testing.T, foreign []byte) {
		if bytes.Equal(foreign, good) {
			return
		}
		got, _, err := s.Open(connections, "a", foreign)
		if got != nil || (!errors.Is(err, storage.ErrDamaged) && !errors.Is(err, seal.ErrNewerFormat)) {
			t.Errorf("Open = %q, %v", got, err)
		}
	})
}
