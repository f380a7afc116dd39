package custody

import (
	"context"
	"errors"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// returnedPage is how many records are compared at a time.
const returnedPage = 256

// holdFormer keeps every store from opening a database that is to be replaced. The store is nil if the
// database cannot be read.
func holdFormer(path string) (*bolt.Store, func() error, error) {
	if s, err := bolt.Open(path, bolt.Options{}); err == nil {
		return s, s.Close, nil
	} else if errors.Is(err, storage.ErrLocked) {
		return nil, nil, err
	}
	release, err := bolt.Lock(path, bolt.Options{})
	return nil, release, err
}

// returned tells which sealed records of the database at path are not in the former one. Where that is damaged nothing is
// known, and nothing told.
func returned(ctx context.Context, path string, former *bolt.Store) (back []storage.Key, err error) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, bucket := range tokenstore.SealedBuckets() {
		for after, more := "", true; more; {
			page, err := s.List(ctx, bucket, "", after, returnedPage)
			if err != nil {
				return nil, err
			}
			for _, r := range page {
				if _, err := former.Get(ctx, r.Key); errors.Is(err, storage.ErrNotFound) {
					back = append(back, r.Key)
				}
				after = r.Key.ID
			}
			more = len(page) == returnedPage
		}
	}
	return back, nil
}
