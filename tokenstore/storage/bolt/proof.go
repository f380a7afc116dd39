package bolt

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// A disk that drops a write leaves the page of before in its place. Nothing in a page tells when it was written. But a branch
// of before leads to what became free since, where what was changed or deleted since is as it was; and a leaf of before seldom is just where
// the branch above says. So a record is of now for sure only if nothing is wrong with any page on the way to it, and none is
// free. That is where the writer would change it too.

// proves reports whether raw, which was found under the key, is surely what the transaction has there.
func (c *paths) proves(key storage.Key, raw []byte) bool {
	e, err := c.reach(recordsBucket, key.Bucket, []byte(key.ID), false)
	return err == nil && len(e.value) > 0 && len(raw) > 0 && &e.value[0] == &raw[0]
}

// proven remembers the last leaf whose records are surely of now: they all are if one is.
type proven struct {
	*paths
	leaf *byte
}

// now returns what is surely under the key. Of a record that was found in another place than that, so as a page of before has it, the one
// of now is taken. If nothing is sure, it returns what was found.
func (p *proven) now(l leaf, key storage.Key, found []byte) (raw []byte, sure bool) {
	if p.leaf == &l.page[0] {
		return found, true
	}
	if p.proves(key, found) {
		p.leaf = &l.page[0]
		return found, true
	}
	if e, err := p.reach(recordsBucket, key.Bucket, []byte(key.ID), false); err == nil && sound(key, e.value) {
		return e.value, true
	}
	return found, false
}

// errOvertaken says that the writer has written twice since a transaction began.
var errOvertaken = errors.New("the meta page of the transaction is gone")

// maxOvertaken is how often a transaction is begun again for that.
const maxOvertaken = 10

// viewProving is view with paths that prove what is of now. It may run fn more than once.
func (s *Store) viewProving(ctx context.Context, fn func(m mapping, now *paths) error) (err error) {
	for range maxOvertaken {
		err = s.viewHandle(ctx, func(h *handle, tx *bbolt.Tx) error {
			m := mapped(tx)
			now := &paths{mapping: m, sound: make(map[uint64]struct{})}
			if !h.readOnly { // where the list of free pages is damaged, it proves nothing
				meta, ok := m.meta(uint64(tx.ID())) //nolint:gosec // not negative
				if !ok {
					return errOvertaken
				}
				now.free, _ = m.freed(meta)
			}
			return fn(m, now)
		})
		if !errors.Is(err, errOvertaken) {
			return err
		}
	}
	return unavailable("begin transaction", err)
}
