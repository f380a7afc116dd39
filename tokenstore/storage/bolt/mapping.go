package bolt

import (
	"fmt"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// mapping is the file as a transaction sees it, in the memory where bbolt has mapped it. Nothing in it is believed: bbolt
// itself panics, recurses without end, or frees pages in use, when it meets a damaged page. What is returned
// points into it, and is gone after the transaction. It must be used in [guard].
type mapping struct {
	data []byte // all pages that the transaction knows
	each int    // bytes of a page
	root uint64 // of the buckets of the file
}

func mapped(tx *bbolt.Tx) mapping {
	info := tx.DB().Info()
	// The memory is not Go's, and stays mapped until the transaction ends.
	start := *(*unsafe.Pointer)(unsafe.Pointer(&info.Data)) //nolint:gosec // bbolt has no other way to tell it
	return mapping{
		data: unsafe.Slice((*byte)(start), tx.Size()), //nolint:gosec // as above
		each: info.PageSize,
		root: uint64(tx.Cursor().Bucket().Root()),
	}
}

// pageError says what is wrong with which page.
func pageError(id uint64, format string, args ...any) error {
	return fmt.Errorf("%w: page %d %s", storage.ErrDamaged, id, fmt.Sprintf(format, args...))
}

// meta returns the meta page of a transaction. ok is false if there is another one in its place: the writer puts it there two transactions later.
func (m mapping) meta(txid uint64) (found meta, ok bool) {
	found, ok = parseMeta(m.data[txid%2*uint64(m.each):]) //nolint:gosec // not negative
	return found, ok && found.txid == txid
}

// count returns how many pages there are.
func (m mapping) count() uint64 { return uint64(len(m.data) / m.each) } //nolint:gosec // neither is negative

// page returns a branch or a leaf, with the pages that it overflows into. Its elements are not checked.
func (m mapping) page(id uint64) (page, error) {
	if id < 2 || id >= m.count() {
		return nil, pageError(id, "is not in the file, which has %d", m.count())
	}
	start := int(id) * m.each //nolint:gosec // less than count
	p := page(m.data[start : start+m.each])
	switch {
	case p.id() != id:
		return nil, pageError(id, "says that it is page %d", p.id())
	case p.flags() != branchFlag && p.flags() != leafFlag:
		return nil, pageError(id, "has the flags %#x", p.flags())
	}
	// One that says that it is longer than it can be may be read as far as it goes.
	pages := min(uint64(p.overflow())+1, m.count()-id)
	return m.data[start : start+int(pages)*m.each], nil //nolint:gosec // no more than the file has
}

// bucket is one of bbolt's: a tree of pages, or one page in the value of its element.
type bucket struct {
	root     uint64
	sequence uint64
	inline   page // nil if there is a root
}

// top returns the bucket of all buckets.
func (m mapping) top() bucket { return bucket{root: m.root} }

func asBucket(e element) (bucket, error) {
	if !e.bucket || len(e.value) < bucketLen {
		return bucket{}, fmt.Errorf("%w: %.40q is not a bucket", storage.ErrDamaged, e.key)
	}
	b := bucket{root: order.Uint64(e.value), sequence: order.Uint64(e.value[8:])}
	if b.root != 0 {
		return b, nil
	}
	b.inline = page(e.value[bucketLen:])
	if len(b.inline) < pageHeaderLen || b.inline.flags() != leafFlag {
		return bucket{}, fmt.Errorf("%w: bucket %.40q has no page", storage.ErrDamaged, e.key)
	}
	return b, nil
}

// place is where a page must be in a tree, as the branch above tells it.
type place struct {
	id    uint64
	first []byte // its first key; nil of a root
	next  []byte // the first key of what is behind it; nil if there is nothing
}

// below returns the place of a child. The branch is at a place itself. ok is false if the branch tells no key for it.
func (p page) below(i int, at place) (child place, ok bool) {
	child = place{id: p.child(i), next: at.next}
	child.first, ok = p.key(i)
	if i+1 < p.count() {
		next, there := p.key(i + 1)
		child.next, ok = next, ok && there
	}
	return child, ok
}

// check tells what is wrong with a page at a place: bbolt writes the elements of a page one behind the other, in their order, into no
// more pages than they need, and notes the first key of each page in the branch above.
func (m mapping) check(p page, at place) error {
	if what := p.flaw(m.each, m.count(), at.first == nil); what != "" {
		return pageError(at.id, "%s", what)
	}
	return m.bounds(p, at)
}

// bounds tells whether the keys of a page that is sound by itself are those of its place.
func (m mapping) bounds(p page, at place) error {
	if p.count() == 0 {
		return nil
	}
	first, _ := p.key(0)
	last, _ := p.key(p.count() - 1)
	if at.first != nil && string(first) != string(at.first) {
		return pageError(at.id, "does not begin where the page above says")
	}
	if at.next != nil && string(last) >= string(at.next) {
		return pageError(at.id, "goes on behind the begin of the next one")
	}
	return nil
}

// first returns the first key of a page, nil if there is none.
func (m mapping) first(id uint64) []byte {
	p, err := m.page(id)
	if err != nil || p.count() == 0 {
		return nil
	}
	key, _ := p.key(0)
	return key
}
