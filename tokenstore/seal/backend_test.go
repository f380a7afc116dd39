package seal_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

const connections = "connections"

var (
	keysetKey = storage.Key{Bucket: seal.MetaBucket, ID: seal.KeysetID}
	spareKey  = storage.Key{Bucket: seal.SpareBucket, ID: seal.KeysetID}
)

var errCrash = errors.New("the process dies here")

// memory is a storage.Backend of a map, whose writes can be made to fail.
type memory struct {
	storage.Backend // panics on what seal has no business to call

	mu      sync.Mutex
	records map[storage.Key]storage.Record
	damaged map[storage.Key]bool // cannot be read
	puts    int

	// beforePut and afterPut are told of each write. An error is
	// returned to the writer: before the write, nothing has been stored; after
	// it, the record is durable and the writer does not know.
	beforePut func(n int, r storage.Record) error
	afterPut  func(n int) error
}

func newMemory() *memory {
	return &memory{records: map[storage.Key]storage.Record{}, damaged: map[storage.Key]bool{}}
}

func (m *memory) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.damaged[key] {
		return storage.Record{}, storage.ErrDamaged
	}
	r, ok := m.records[key]
	if !ok {
		return storage.Record{}, storage.ErrNotFound
	}
	r.Value = bytes.Clone(r.Value)
	return r, ctx.Err()
}

func (m *memory) Put(ctx context.Context, r storage.Record) (uint64, error) {
	m.mu.Lock()
	m.puts++
	n, before, after := m.puts, m.beforePut, m.afterPut
	m.mu.Unlock()
	if before != nil {
		if err := before(n, r); err != nil {
			return 0, err
		}
	}
	revision, err := m.store(r)
	if err == nil && after != nil {
		err = after(n)
	}
	return revision, cmp.Or(err, ctx.Err())
}

// store is Put without the faults.
func (m *memory) store(r storage.Record) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.damaged[r.Key] {
		return 0, storage.ErrDamaged
	}
	if m.records[r.Key].Revision != r.Revision {
		return 0, storage.ErrConflict
	}
	r.Revision++
	r.Value = bytes.Clone(r.Value)
	m.records[r.Key] = r
	return r.Revision, nil
}

// Delete takes away a record that cannot be read.
func (m *memory) Delete(ctx context.Context, key storage.Key, revision uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.damaged[key] || revision != 0 {
		return storage.ErrConflict
	}
	delete(m.damaged, key)
	delete(m.records, key)
	return ctx.Err()
}

func (m *memory) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var page []storage.Record
	for key, r := range m.records {
		if key.Bucket == bucket && strings.HasPrefix(key.ID, prefix) && key.ID > after {
			r.Value = bytes.Clone(r.Value)
			page = append(page, r)
		}
	}
	slices.SortFunc(page, func(a, b storage.Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	return page[:min(limit, len(page))], ctx.Err()
}

// Lease gives a lease that hinders nobody.
func (m *memory) Lease(ctx context.Context, _ storage.Key) (storage.Lease, error) {
	return lease{}, ctx.Err()
}

type lease struct{}

func (lease) Lost() <-chan struct{} { return nil }
func (lease) Release()              {}

func (m *memory) snapshot() map[storage.Key]storage.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}

// copied returns another memory that has the same.
func (m *memory) copied() *memory {
	return &memory{records: m.snapshot(), damaged: map[storage.Key]bool{}}
}

// faultless ends the faults.
func (m *memory) faultless() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts, m.beforePut, m.afterPut = 0, nil, nil
}

func testKey(t testing.TB, fill byte) seal.Key {
	t.Helper()
	raw := bytes.Repeat([]byte{fill}, seal.KeySize)
	raw[0]++ // ParseKey would refuse one without variety
	key, err := seal.GenerateKey(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustOpen(t testing.TB, b storage.Backend, key seal.Key) *seal.Sealer {
	t.Helper()
	s, err := seal.Open(t.Context(), b, key, connections, "consents")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *seal.Sealer, id string, generation uint64, plaintext string) []byte {
	t.Helper()
	sealed, err := s.Seal(seal.Binding{Bucket: connections, ID: id, Generation: generation}, []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// put seals and stores one record.
func put(t testing.TB, s *seal.Sealer, m *memory, id string, generation uint64, plaintext string) {
	t.Helper()
	key := storage.Key{Bucket: connections, ID: id}
	r := storage.Record{
		Key:      key,
		Value:    mustSeal(t, s, id, generation, plaintext),
		Due:      time.Unix(int64(generation), 0),
		Revision: m.snapshot()[key].Revision,
	}
	if _, err := m.store(r); err != nil {
		t.Fatal(err)
	}
}
