package custody

import (
	"context"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// overlay is a backend whose records stay as they are. It keeps what is put, for a copy that is to have it.
type overlay struct {
	storage.Backend
	changes []storage.Record
}

// Put implements [storage.Backend], for keys that are put once.
func (o *overlay) Put(_ context.Context, r storage.Record) (uint64, error) {
	o.changes = append(o.changes, r)
	return r.Revision + 1, nil
}
