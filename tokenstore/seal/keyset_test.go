package seal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

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
	t.Logf("%d flipped bits, each one refused with the right key and with another", 8*len(good))
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

func FuzzKeysetRefusesForeignBytes(f *testing.F) {
	// The fuzzer's processes exchange inputs: with a fixed key, the sound keyset
	// of one of them would be no foreign bytes to the others.
	key, err := seal.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	m := newMemory()
	if _, err := seal.Open(context.Background(), m, key, connections); err != nil {
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
		if _, err := seal.Open(t.Context(), m, key, connections); err == nil || m.puts != 0 {
			t.Errorf("Open = %v after %d writes", err, m.puts)
		}
	})
}
