package seal

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// sealed is a backend whose records are sealed on their way down and opened on their way up.
type sealed struct {
	storage.Backend
	sealer *Sealer
}

// Backend returns the backend of s as one that takes and gives records in plain and
// keeps them sealed, for the buckets that [Open] was told of. Records of other buckets cannot
// be written through it. It seals for the generation 0; who binds a generation calls
// Seal and Open. Its Close closes the backend of s.
//
// Get returns what [Sealer.Open] returns for a record that it cannot open, and List
// gives that record a nil Value.
func (s *Sealer) Backend() storage.Backend { return &sealed{Backend: s.backend, sealer: s} }

// Get implements [storage.Backend].
func (b *sealed) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	r, err := b.Backend.Get(ctx, key)
	if err != nil {
		return storage.Record{}, err
	}
	r.Value, err = b.open(ctx, r)
	if err != nil {
		return storage.Record{}, err
	}
	return r, nil
}

// Put implements [storage.Backend].
func (b *sealed) Put(ctx context.Context, r storage.Record) (uint64, error) {
	return b.sealer.Put(ctx, Binding{Bucket: r.Key.Bucket, ID: r.Key.ID}, r.Value, r.Due, r.Revision)
}

// List implements [storage.Backend].
func (b *sealed) List(ctx context.Context, bucket, prefix, after string, limit int) ([]storage.Record, error) {
	page, err := b.Backend.List(ctx, bucket, prefix, after, limit)
	if err != nil && !errors.Is(err, storage.ErrDamaged) {
		return nil, err
	}
	for i, r := range page {
		page[i].Value = nil
		if r.Value == nil {
			continue
		}
		if value, err := b.open(ctx, r); err == nil {
			page[i].Value = value
		}
	}
	return page, err
}

// open opens a record, with the keys that another process may have added if need be. What it
// returns is not nil, also if nothing was sealed.
func (b *sealed) open(ctx context.Context, r storage.Record) ([]byte, error) {
	plain, generation, err := b.sealer.Open(r.Key.Bucket, r.Key.ID, r.Value)
	if errors.Is(err, ErrUnknownKey) {
		if err := b.sealer.Reload(ctx); err != nil {
			return nil, err
		}
		plain, generation, err = b.sealer.Open(r.Key.Bucket, r.Key.ID, r.Value)
	}
	if err != nil {
		return nil, err
	}
	if generation != 0 {
		return nil, fmt.Errorf("open %q in bucket %q: %w: it has a generation", r.Key.ID, r.Key.Bucket, storage.ErrDamaged)
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}
