package bolt

import (
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// find returns the element of a key. It says that there is none, with [storage.ErrNotFound], only if nothing that it
// can see speaks against it: damage can lead elsewhere.
func (m mapping) find(b bucket, key []byte) (element, error) {
	leaf := m.quick(b, key)
	if leaf != nil {
		if e, ok := leaf.get(key); ok {
			return e, nil
		}
	}
	// The siblings too, since what leads to one of them may be what is wrong.
	_, err := (&paths{mapping: m}).check(b, key, true)
	if err == nil {
		return element{}, storage.ErrNotFound
	}
	if leaf != nil {
		for i := range leaf.elements(int64(m.each)) {
			if e, ok := leaf.leaf(i); ok && string(e.key) == string(key) {
				return e, nil
			}
		}
	}
	return element{}, err
}

// quick returns the leaf where a key must be if all pages on the way are sound, nil if they cannot be.
func (m mapping) quick(b bucket, key []byte) page {
	if b.inline != nil {
		return b.inline
	}
	id := b.root
	for range maxDepth {
		p, err := m.page(id)
		if err != nil || p.count() == 0 && p.flags() == branchFlag {
			return nil
		}
		if p.flags() == leafFlag {
			return p
		}
		i := p.toward(key)
		if _, ok := p.key(i); !ok {
			return nil
		}
		id = p.child(i)
	}
	return nil
}

// topBucket returns a bucket of the file.
func (m mapping) topBucket(name []byte) (bucket, error) {
	e, err := m.find(m.top(), name)
	if errors.Is(err, storage.ErrNotFound) {
		return bucket{}, fmt.Errorf("%w: bucket %q of the file is missing", storage.ErrDamaged, name)
	}
	if err != nil {
		return bucket{}, err
	}
	return asBucket(e)
}

// nested returns the bucket of that name in one of the file, or [storage.ErrNotFound] if nothing was ever stored in it.
func (m mapping) nested(top []byte, name string) (bucket, error) {
	b, err := m.topBucket(top)
	if err != nil {
		return bucket{}, err
	}
	e, err := m.find(b, []byte(name))
	if err != nil {
		return bucket{}, err
	}
	return asBucket(e)
}

// record returns what is stored under the key, or [storage.ErrNotFound].
func (m mapping) record(key storage.Key) (element, error) {
	b, err := m.nested(recordsBucket, key.Bucket)
	if err != nil {
		return element{}, err
	}
	return m.find(b, []byte(key.ID))
}
