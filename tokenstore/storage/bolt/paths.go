package bolt

import (
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// paths checks pages before bbolt uses them. It remembers which are sound, so it is good for one transaction.
type paths struct {
	mapping
	free   freed               // pages that cannot be in use
	shared map[uint64]bool     // pages that two trees have
	sound  map[uint64]struct{} // nil if nothing is remembered
	last   []spot              // the last way, whose memory is used again
}

// at returns the page at a place if bbolt may use it.
func (c *paths) at(at place) (page, error) {
	p, err := c.page(at.id)
	if err != nil {
		return nil, err
	}
	if _, known := c.sound[at.id]; known {
		return p, c.bounds(p, at)
	}
	if c.shared[at.id] {
		return nil, pageError(at.id, "is in two trees")
	}
	if err := c.mapping.check(p, at); err != nil {
		return nil, err
	}
	if c.free.any(at.id, at.id+uint64(p.overflow())) {
		return nil, pageError(at.id, "is in use and free at the same time")
	}
	for i := range uint64(p.overflow()) {
		// One of before may go on in what is another page now; bbolt would free that with it. The bytes of a value do not look like one.
		if _, err := c.page(at.id + i + 1); err == nil {
			return nil, pageError(at.id, "goes on in page %d, which is one of its own", at.id+i+1)
		}
	}
	if p.flags() == branchFlag && len(c.free) > 0 {
		// bbolt fails if it takes such a page to write this one to.
		for i := range p.count() {
			if child := p.child(i); c.free.any(child, child) {
				return nil, pageError(at.id, "leads to page %d, which is free", child)
			}
		}
	}
	if c.sound != nil {
		c.sound[at.id] = struct{}{}
	}
	return p, nil
}

// check returns the leaf where a key belongs if all pages on the way to it are sound. Removing keys, bbolt may also read those beside
// them, and merge them.
func (c *paths) check(b bucket, key []byte, beside bool) (page, error) {
	if b.inline != nil {
		if what := b.inline.flaw(0, 0, true); what != "" {
			return nil, fmt.Errorf("%w: a bucket %s", storage.ErrDamaged, what)
		}
		return b.inline, nil
	}
	way, err := c.way(b.root, key)
	if err == nil && beside {
		err = c.beside(way, key)
	}
	if err != nil {
		return nil, err
	}
	return way[len(way)-1].page, nil
}

// way checks the pages from a root to the leaf where a key belongs. What it returns is good until it is called again.
func (c *paths) way(root uint64, key []byte) ([]spot, error) {
	at := place{id: root}
	c.last = c.last[:0]
	for range maxDepth {
		p, err := c.at(at)
		if err != nil {
			return nil, err
		}
		c.last = append(c.last, spot{p, at})
		if p.flags() == leafFlag {
			return c.last, nil
		}
		at, _ = p.below(p.toward(key), at)
	}
	return nil, pageError(root, "has pages below it that lead to each other in a circle")
}

// reach checks the way to a key in a bucket of a bucket of the file, as far as there is one. It returns the element of the key, the
// zero element if there is none.
func (c *paths) reach(top []byte, name string, key []byte, remove bool) (element, error) {
	leaf, err := c.check(c.top(), top, false)
	if err != nil {
		return element{}, err
	}
	e, ok := leaf.get(top)
	if !ok {
		return element{}, fmt.Errorf("%w: bucket %q of the file is missing", storage.ErrDamaged, top)
	}
	b, err := asBucket(e)
	if err != nil {
		return element{}, err
	}
	if leaf, err = c.check(b, []byte(name), false); err != nil {
		return element{}, err
	}
	if e, ok = leaf.get([]byte(name)); !ok {
		return element{}, nil // bbolt makes it
	}
	if b, err = asBucket(e); err != nil {
		return element{}, err
	}
	if leaf, err = c.check(b, key, remove); err != nil {
		return element{}, err
	}
	if e, _ = leaf.get(key); e.bucket {
		// Reading, bbolt would say that there is no such key, and that would pass for a change by somebody else.
		return element{}, fmt.Errorf("%w: its element is marked as a bucket", storage.ErrDamaged)
	}
	return e, nil
}

// record checks what a change of a record makes bbolt read and write.
func (c *paths) record(key storage.Key, remove bool) error {
	_, err := c.reach(recordsBucket, key.Bucket, []byte(key.ID), remove)
	return err
}

// due checks the same for moving the entry of a record in the due index. Either record may have none. If the time
// is the same, nothing is touched.
func (c *paths) due(key storage.Key, before, after storage.Record) error {
	if before.Due.Equal(after.Due) {
		return nil
	}
	var err error
	if !before.Due.IsZero() {
		_, err = c.reach(dueBucket, key.Bucket, dueKey(before.Due, key.ID), true)
	}
	if err == nil && !after.Due.IsZero() {
		_, err = c.reach(dueBucket, key.Bucket, dueKey(after.Due, key.ID), false)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", storage.ErrDueIndex, err)
	}
	return nil
}
