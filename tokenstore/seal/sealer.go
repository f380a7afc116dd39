package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Sealer seals and opens the records of one backend. All its methods are safe
// for concurrent use; Seal and Open neither wait nor touch the backend.
type Sealer struct {
	backend storage.Backend
	buckets []string
	ring    atomic.Pointer[keyring]

	mu     sync.Mutex // held while the keyset is read from or written to the backend
	kek    Key        // guarded by mu
	damage error      // guarded by mu; what Damage returns next

	writesMu sync.Mutex
	// writes counts, for each key, the records that were sealed under it and may still be
	// on their way to the backend.
	writes map[uint32]int // guarded by writesMu
}

// Open reads the keyset of backend, or makes one if there is none. Buckets names
// every bucket that will have sealed records, and at least one. A copy of the keyset that is damaged, missing or not as the
// other one is written anew, see [Sealer.Mend].
//
// It returns an error that wraps [ErrInvalidKey] if kek is absent,
// [ErrWrongKey] if the keyset is wrapped by another key, [ErrKeysetMissing] if
// there is no keyset though there are records, [ErrNewerFormat],
// storage.ErrDamaged, or what the backend returns. It has written nothing then.
func Open(ctx context.Context, backend storage.Backend, kek Key, buckets ...string) (*Sealer, error) {
	s, err := newSealer(backend, kek, buckets)
	if err != nil {
		return nil, err
	}
	err = s.Reload(ctx)
	if errors.Is(err, ErrKeysetMissing) {
		err = s.create(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Mend(ctx); err != nil && !errors.Is(err, storage.ErrConflict) {
		s.note(err) // one copy is enough to go on with
	}
	return s, nil
}

func newSealer(backend storage.Backend, kek Key, buckets []string) (*Sealer, error) {
	if kek.IsZero() {
		return nil, fmt.Errorf("open keyset: %w: there is none; %s", ErrInvalidKey, remedy)
	}
	if len(buckets) == 0 || slices.Contains(buckets, "") || slices.Contains(buckets, MetaBucket) || slices.Contains(buckets, SpareBucket) {
		return nil, fmt.Errorf("open keyset: %w: name the buckets of sealed records, without %q and %q", ErrBinding, MetaBucket, SpareBucket)
	}
	return &Sealer{
		backend: backend,
		buckets: slices.Clone(buckets),
		kek:     kek,
		writes:  make(map[uint32]int),
	}, nil
}

// Seal encrypts plaintext for the record that b names. It returns an error that
// wraps [ErrBinding] if b has no ID or a Bucket that Open was not told of:
// records in it would become unreadable when their key is retired.
//
// What becomes of the sealed record is not known here, so its key is not retired as long as this Sealer is
// in use. [Sealer.Put] has no such effect.
func (s *Sealer) Seal(b Binding, plaintext []byte) ([]byte, error) {
	if err := s.mayHave(b); err != nil {
		return nil, err
	}
	ring, _ := s.begin()
	return ring.seal(b, plaintext)
}

// Put seals plaintext for the record that b names, and stores it as the backend's Put does with that due time and
// revision. It returns the errors of Seal and of the backend.
func (s *Sealer) Put(ctx context.Context, b Binding, plaintext []byte, due time.Time, revision uint64) (uint64, error) {
	if err := s.mayHave(b); err != nil {
		return 0, err
	}
	ring, end := s.begin()
	value, err := ring.seal(b, plaintext)
	if err != nil {
		return 0, err
	}
	revision, err = s.backend.Put(ctx, storage.Record{
		Key: storage.Key{Bucket: b.Bucket, ID: b.ID}, Value: value, Due: due, Revision: revision,
	})
	end(err)
	return revision, err
}

func (s *Sealer) mayHave(b Binding) error {
	if b.ID == "" || !slices.Contains(s.buckets, b.Bucket) {
		return fmt.Errorf("seal %q in bucket %q: %w", b.ID, b.Bucket, ErrBinding)
	}
	return nil
}

// begin returns the keys for a record that is to be written, and what must be told the outcome of the
// write. Until then, and for ever if it is not known, their primary key is not retired.
func (s *Sealer) begin() (ring *keyring, end func(error)) {
	s.writesMu.Lock()
	defer s.writesMu.Unlock()
	ring = s.ring.Load()
	s.writes[ring.primary]++
	return ring, func(err error) {
		if err != nil && !changedNothing(err) {
			return
		}
		s.writesMu.Lock()
		defer s.writesMu.Unlock()
		if s.writes[ring.primary]--; s.writes[ring.primary] == 0 {
			delete(s.writes, ring.primary)
		}
	}
}

// changedNothing tells the failures of a write that surely was not made from those of which the outcome is not known.
func changedNothing(err error) bool {
	return errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrDamaged) && !errors.Is(err, storage.ErrUnavailable)
}

// underWay returns the keys under which records may be on their way to the backend.
func (s *Sealer) underWay() map[uint32]bool {
	s.writesMu.Lock()
	defer s.writesMu.Unlock()
	keys := make(map[uint32]bool, len(s.writes))
	for id := range s.writes {
		keys[id] = true
	}
	return keys
}

// Open decrypts what Seal made for this bucket and id and returns it with its
// generation. It returns an error that wraps storage.ErrDamaged if sealed is
// anything else, with [ErrUnknownKey] if it names an unknown key, or one
// that wraps [ErrNewerFormat].
func (s *Sealer) Open(bucket, id string, sealed []byte) (plaintext []byte, generation uint64, err error) {
	return s.ring.Load().open(bucket, id, sealed)
}

// Keys returns the number of keys in the keyset: 1, or more while records may
// still be sealed under older ones.
func (s *Sealer) Keys() int { return len(s.ring.Load().known) }

func (r *keyring) seal(b Binding, plaintext []byte) ([]byte, error) {
	ciphertext, err := r.aead.Encrypt(plaintext, b.associatedData())
	if err != nil {
		return nil, fmt.Errorf("seal %q in bucket %q: %w", b.ID, b.Bucket, err)
	}
	return slices.Concat(newHeader(b.Generation), ciphertext), nil
}

func (r *keyring) open(bucket, id string, sealed []byte) ([]byte, uint64, error) {
	h, ciphertext, err := parseHeader(sealed)
	if err != nil {
		return nil, 0, fmt.Errorf("open %q in bucket %q: %w", id, bucket, err)
	}
	plaintext, err := r.aead.Decrypt(ciphertext, Binding{bucket, id, h.generation}.associatedData())
	switch ours := h.version == formatVersion; {
	case err == nil && ours:
		return plaintext, h.generation, nil
	case err != nil && !ours:
		return nil, 0, fmt.Errorf("open %q in bucket %q: it has the format version %d: %w", id, bucket, h.version, ErrNewerFormat)
	case err != nil && !r.known[h.keyID]:
		return nil, 0, fmt.Errorf("open %q in bucket %q: %w: %w", id, bucket, storage.ErrDamaged, ErrUnknownKey)
	}
	// What opens as ours though its version byte says otherwise has a damaged
	// version byte: the version is in the associated data.
	return nil, 0, fmt.Errorf("open %q in bucket %q: %w: it is not what was sealed for this key", id, bucket, storage.ErrDamaged)
}
