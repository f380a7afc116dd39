package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// restoredKey is where a storage remembers that it was restored. It is not sealed: all it decides
// is which reason is told.
var restoredKey = storage.Key{Bucket: seal.MetaBucket, ID: "restored"}

// SealedBuckets returns the buckets of the records that a store seals, for [seal.Open].
func SealedBuckets() []string {
	return []string{bucketConnections, bucketConsents, callerkey.Bucket}
}

// MarkRestored notes in a storage that it was put back to an earlier state at that time. A grant that its
// server refuses from then on, without having been renewed since, needs consent for the
// reason [ReasonDatabaseRestored].
func MarkRestored(ctx context.Context, backend storage.Backend, at time.Time) error {
	r, err := backend.Get(ctx, restoredKey)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("mark as restored: %w", err)
	}
	text, err := at.UTC().MarshalText()
	if err != nil {
		return fmt.Errorf("mark as restored: %w", err)
	}
	_, err = backend.Put(ctx, storage.Record{Key: restoredKey, Value: text, Revision: r.Revision})
	if err != nil {
		return fmt.Errorf("mark as restored: %w", err)
	}
	return nil
}

// restoredAt returns when the storage was restored, the zero time if never. What cannot be read is no
// reason to keep a store from opening.
func restoredAt(ctx context.Context, backend storage.Backend) (at time.Time) {
	r, err := backend.Get(ctx, restoredKey)
	if err != nil || at.UnmarshalText(r.Value) != nil {
		return time.Time{}
	}
	return at
}

// olderThan reports whether the grant is as it was before that time.
func (r record) olderThan(at time.Time) bool {
	return !at.IsZero() && latest(r.CreatedAt, r.RefreshedAt).Before(at)
}
