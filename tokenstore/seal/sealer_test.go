package seal_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var keysetKey = storage.Key{Bucket: seal.MetaBucket, ID: seal.KeysetID}

func TestWhatWasSealedOpensAgainAlsoAfterARestart(t *testing.T) {
	m := newMemory()
	sealed := mustSeal(t, mustOpen(t, m, testKey(t, 1)), "dropbox/auth", 7, "a token")
	plaintext, generation, err := mustOpen(t, m, testKey(t, 1)).Open(connections, "dropbox/auth", sealed)
	if err != nil || string(plaintext) != "a token" || generation != 7 {
		t.Errorf("Open = %q, %d, %v", plaintext, generation, err)
	}
	if m.puts != 1 {
		t.Errorf("%d writes, want the keyset's only", m.puts)
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
	for _, plaintext := range []string{"", "a token that must not change"} {
		sealed := mustSeal(t, s, "a", 3, plaintext)
		for bit := range 8 * len(sealed) {
			flipped := bytes.Clone(sealed)
			flipped[bit/8] ^= 1 << (bit % 8)
			if got, _, err := s.Open(connections, "a", flipped); !errors.Is(err, storage.ErrDamaged) || got != nil {
				t.Errorf("bit %d: %q, %v; want ErrDamaged", bit, got, err)
			}
		}
	}
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

// wrappedKeyset returns a stored keyset as it is in a new store.
func wrappedKeyset(t *testing.T, key seal.Key) []byte {
	t.Helper()
	m := newMemory()
	mustOpen(t, m, key)
	return m.snapshot()[keysetKey].Value
}

func TestOpenRefusesAndWritesNothing(t *testing.T) {
	good := wrappedKeyset(t, testKey(t, 1))
	edited := func(edit func([]byte) []byte) []byte { return edit(bytes.Clone(good)) }
	record := storage.Record{Key: storage.Key{Bucket: "consents", ID: "x"}, Value: []byte("sealed"), Revision: 1}
	tests := []struct {
		name   string
		keyset []byte
		key    seal.Key
		want   error
		says   []string
	}{
		{"another key", good, testKey(t, 2), seal.ErrWrongKey, []string{testKey(t, 1).Fingerprint(), testKey(t, 2).Fingerprint()}},
		{"no key", good, seal.Key{}, seal.ErrInvalidKey, []string{"openssl rand"}},
		{"records but no keyset", nil, testKey(t, 1), seal.ErrKeysetMissing, []string{"backup"}},
		{"a keyset cut short", good[:40], testKey(t, 1), storage.ErrDamaged, nil},
		{"a keyset cut short and another key", good[:60], testKey(t, 2), storage.ErrDamaged, nil},
		{"a keyset of zeroes", make([]byte, len(good)), testKey(t, 1), storage.ErrDamaged, nil},
		{"a keyset of a newer version", edited(func(b []byte) []byte {
			b[0], b[30] = 2, b[30]^1
			return b
		}), testKey(t, 1), seal.ErrNewerFormat, []string{"version 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory()
			m.records[record.Key] = record
			if tt.keyset != nil {
				m.records[keysetKey] = storage.Record{Key: keysetKey, Value: tt.keyset, Revision: 1}
			}
			before := m.snapshot()
			_, err := seal.Open(t.Context(), m, tt.key, connections, "consents")
			if !errors.Is(err, tt.want) {
				t.Fatalf("Open = %v; want %v", err, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q does not say %q", err, s)
				}
			}
			if diff := gocmp.Diff(before, m.snapshot()); diff != "" || m.puts != 0 {
				t.Errorf("%d writes: %s", m.puts, diff)
			}
		})
	}
}

func TestEveryFlippedBitOfTheKeysetIsDamageWhateverTheKey(t *testing.T) {
	good := wrappedKeyset(t, testKey(t, 1))
	m := newMemory()
	for bit := range 8 * len(good) {
		flipped := bytes.Clone(good)
		flipped[bit/8] ^= 1 << (bit % 8)
		m.records[keysetKey] = storage.Record{Key: keysetKey, Value: flipped, Revision: 1}
		for _, key := range []seal.Key{testKey(t, 1), testKey(t, 2)} {
			if _, err := seal.Open(t.Context(), m, key, connections); !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("bit %d: %v; want ErrDamaged", bit, err)
			}
		}
	}
}

func TestFailuresOfTheBackendComeThroughOpen(t *testing.T) {
	m := newMemory()
	m.beforePut = func(int, storage.Record) error { return storage.ErrUnavailable }
	if _, err := seal.Open(t.Context(), m, testKey(t, 1), connections); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Open on a full disk = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m = newMemory()
	if _, err := seal.Open(ctx, m, testKey(t, 1), connections); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with a context that has ended = %v", err)
	}
}

func TestTheLoserOfACreationUsesTheWinnersKeyset(t *testing.T) {
	m := newMemory()
	var winner *seal.Sealer
	m.beforePut = func(n int, _ storage.Record) error {
		if n == 1 { // the loser is about to write; now the winner does all of it
			winner = mustOpen(t, m, testKey(t, 1))
			put(t, winner, m, "a", 1, "the winner's token")
		}
		return nil
	}
	loser := mustOpen(t, m, testKey(t, 1))
	plaintext, _, err := loser.Open(connections, "a", m.snapshot()[storage.Key{Bucket: connections, ID: "a"}].Value)
	if err != nil || string(plaintext) != "the winner's token" {
		t.Errorf("the loser reads %q, %v", plaintext, err)
	}
	if _, _, err := winner.Open(connections, "b", mustSeal(t, loser, "b", 1, "x")); err != nil {
		t.Errorf("the winner cannot read the loser's record: %v", err)
	}
}

func TestManyProcessesThatOpenAtOnceShareOneKeyset(t *testing.T) {
	m := newMemory()
	sealers := make([]*seal.Sealer, 8)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			var err error
			if sealers[i], err = seal.Open(t.Context(), m, testKey(t, 1), connections); err != nil {
				t.Error(err)
				return
			}
			id := string(rune('a' + i))
			sealed, err := sealers[i].Seal(seal.Binding{Bucket: connections, ID: id}, nil)
			if err != nil {
				t.Error(err)
			}
			if _, err := m.store(storage.Record{Key: storage.Key{Bucket: connections, ID: id}, Value: sealed, Due: time.Time{}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for key, r := range m.snapshot() {
		if key.Bucket == connections {
			if _, _, err := mustOpen(t, m, testKey(t, 1)).Open(key.Bucket, key.ID, r.Value); err != nil {
				t.Errorf("%v: %v", key, err)
			}
		}
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

func FuzzKeysetRefusesForeignBytes(f *testing.F) {
	m := newMemory()
	if _, err := seal.Open(context.Background(), m, testKey(f, 1), connections); err != nil {
		f.Fatal(err)
	}
	good := bytes.Clone(m.records[keysetKey].Value)
	f.Add([]byte{})
	f.Add(good[:len(good)-1])
	f.Add(append([]byte{2}, good[1:]...))
	f.Fuzz(func(t *testing.T, foreign []byte) {
		if bytes.Equal(foreign, good) {
			return
		}
		m := newMemory()
		m.records[keysetKey] = storage.Record{Key: keysetKey, Value: foreign, Revision: 1}
		if _, err := seal.Open(t.Context(), m, testKey(t, 1), connections); err == nil || m.puts != 0 {
			t.Errorf("Open = %v after %d writes", err, m.puts)
		}
	})
}

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
