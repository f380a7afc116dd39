package custody

import (
	"context"
	"errors"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// fill makes the draft a database that has the records of another, with the changes, and nothing else. It reads it again,
// and returns what the other has.
func fill(ctx context.Context, d *draft, from *bolt.Store, progress func(int64), changes []storage.Record) (content storage.Content, err error) {
	if err := d.Close(); err != nil {
		return content, err
	}
	if content, err = from.CopyTo(ctx, d.Name(), progress, changes...); err != nil {
		return content, err
	}
	s, err := bolt.Open(d.Name(), bolt.Options{})
	if err != nil {
		return content, err
	}
	_, err = s.Content(ctx)
	return content, errors.Join(err, s.Close())
}
